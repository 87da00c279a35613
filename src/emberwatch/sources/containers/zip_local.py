"""Zip members read by their local headers alone: protected ones, and those of archives without a directory."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from stream_unzip import (
    IncorrectAESPasswordError,
    IncorrectZipCryptoPasswordError,
    MissingAESPasswordError,
    MissingZipCryptoPasswordError,
    NotStreamUnzippable,
    UnsupportedCompressionTypeError,
    UnsupportedFlagsError,
    UnzipError,
    stream_unzip,
)

from emberwatch.sources.base import CutShort, Damaged, SkipReason
from emberwatch.sources.containers.base import Entry, Source, safe_path
from emberwatch.sources.containers.passwords import ArchivePasswords

LOCAL: Final = b"PK\x03\x04"
_STEP: Final = 64 * 1024
_SEARCH: Final = 1024 * 1024
_FIXED: Final = struct.Struct("<6xH10xIIHH")
_WRONG: Final = (IncorrectAESPasswordError, IncorrectZipCryptoPasswordError)
_MISSING: Final = (MissingAESPasswordError, MissingZipCryptoPasswordError)
_UNSUPPORTED: Final = (UnsupportedCompressionTypeError, UnsupportedFlagsError, NotStreamUnzippable)
_DAMAGE: Final = (UnzipError, OSError, ValueError, OverflowError, IndexError, KeyError)


def decrypted(file: BinaryIO, header: int, password: str | None) -> Iterator[bytes]:
    """The member whose local header stands at ``header``, checked to its end."""
    try:
        given = None if password is None else password.encode()
        _, _, chunks = next(stream_unzip(_from(file, header), password=given, chunk_size=_STEP))
        yield from chunks
    except StopIteration:
        raise Damaged("no file") from None
    except _DAMAGE as error:
        raise _why(error) from None


def fits(file: BinaryIO, header: int, password: str, *, whole: bool) -> bool:
    """Whether a password opens a member; ``whole`` reads it to its checksum, else its beginning has to do."""
    try:
        for _ in decrypted(file, header, password):
            if not whole:
                break
    except CutShort as error:
        return error.reason not in (SkipReason.ENCRYPTED, SkipReason.DAMAGED)
    return True


def _from(file: BinaryIO, at: int) -> Iterator[bytes]:
    while True:
        # Others read the same file in between: the position is ours for one read only.
        file.seek(at)
        chunk = file.read(_STEP)
        if not chunk:
            return
        at += len(chunk)
        yield chunk


def _why(error: Exception) -> CutShort:
    if isinstance(error, (*_WRONG, *_MISSING)):
        return CutShort(SkipReason.ENCRYPTED)
    if isinstance(error, _UNSUPPORTED):
        return CutShort(SkipReason.UNSUPPORTED_COMPRESSION)
    return Damaged(type(error).__name__)


@dataclass(frozen=True, slots=True)
class ZipWithoutDirectory:
    """What can be had of a zip whose end is lost: each file is found by the header before it."""

    source: Source
    passwords: ArchivePasswords

    def entries(self) -> Iterator[Entry]:
        at = self._next_header(0)
        while at is not None:
            header = _Header.read(self.source.file, at)
            if header is not None and not header.name.endswith("/"):
                yield self._entry(at, header)
            at = self._next_header(self._after(at, header))
        # Whatever came out of it, the archive as a whole is not what it was.
        raise Damaged("no directory")

    def _entry(self, at: int, header: _Header) -> Entry:
        def chunks() -> Iterator[bytes]:
            return decrypted(self.source.file, at, self._password(at, header))

        refusal = SkipReason.ENCRYPTED if header.protected and not self.passwords else None
        return Entry(safe_path(header.name), header.size, header.packed, chunks, refusal)

    def _password(self, at: int, header: _Header) -> str | None:
        if not header.protected:
            return None
        for password in self.passwords:
            if fits(self.source.file, at, password, whole=False):
                return password
        raise CutShort(SkipReason.ENCRYPTED)

    def _after(self, at: int, header: _Header | None) -> int:
        """Behind the file, if its header tells and another header stands there; else behind this header."""
        if header is not None and header.packed:
            end = at + header.length + header.packed
            self.source.file.seek(end)
            if self.source.file.read(2) == LOCAL[:2]:
                return end
        return at + _FIXED.size

    def _next_header(self, at: int) -> int | None:
        overlap = len(LOCAL) - 1
        while True:
            self.source.file.seek(at)
            block = self.source.file.read(_SEARCH)
            found = block.find(LOCAL)
            if found >= 0:
                return at + found
            if len(block) <= overlap:
                return None
            at += len(block) - overlap


@dataclass(frozen=True, slots=True)
class _Header:
    """What a local header says; sizes are 0 when they follow the data only."""

    name: str
    protected: bool
    packed: int
    size: int
    length: int

    @classmethod
    def read(cls, file: BinaryIO, at: int) -> _Header | None:
        file.seek(at)
        fixed = file.read(_FIXED.size)
        if len(fixed) < _FIXED.size:
            return None
        flags, packed, size, name, extra = _FIXED.unpack(fixed)
        known = not flags & 0x8
        text = file.read(name).decode("utf-8" if flags & 0x800 else "cp437", "replace")
        length = _FIXED.size + name + extra
        return cls(text, bool(flags & 0x1), packed if known else 0, size if known else 0, length)
