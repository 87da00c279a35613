"""7z, plain or protected, in one pass."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import py7zr
from py7zr.exceptions import (
    ArchiveError,
    PasswordRequired,
    UnsupportedCompressionMethodError,
)
from py7zr.io import Py7zIO, WriterFactory

from emberwatch.sources.base import CutShort, Damaged, SkipReason
from emberwatch.sources.containers.base import Entry, Source, safe_path
from emberwatch.sources.containers.guards import Guard
from emberwatch.sources.containers.passwords import ArchivePasswords
from emberwatch.sources.containers.pump import Pump, Put

_ENOUGH: Final = 1024 * 1024
"""What a password has to open without an error to be taken for the right one."""
_LIBRARY: Final = (
    ArchiveError,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
)
"""What is raised on damaged data: the library trusts what headers say more than it should."""


class _Writer(Py7zIO):
    """Receives one file."""

    def __init__(self, number: int, put: Put) -> None:
        self._number = number
        self._put = put
        self._size = 0

    def write(self, s: bytes | bytearray) -> int:
        self._put(self._number, bytes(s))
        self._size += len(s)
        return len(s)

    def read(self, size: int | None = None) -> bytes:  # noqa: ARG002 - nothing is ever read back
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: ARG002
        return 0

    def flush(self) -> None:
        """Nothing is held back."""

    def size(self) -> int:
        return self._size


class _Writers(WriterFactory):
    def __init__(self, put: Put) -> None:
        self._put = put

    def create(self, filename: str) -> Py7zIO:
        return _Writer(int(filename.rpartition("/")[2]), self._put)


@dataclass(frozen=True, slots=True)
class SevenZip:
    """Each pass opens the archive anew; the passwords remember which of them fits."""

    source: Source
    guard: Guard
    passwords: ArchivePasswords

    def entries(self) -> Iterator[Entry]:
        archive = self._opened()
        files = [(number, str(info.filename)) for number, info in enumerate(archive.files) if _is_file(info)]
        self.guard.check_solid(sum(int(info.uncompressed or 0) for info in archive.files), self.source.size)
        _number(archive)
        pieces = _Pieces(archive, self.guard)
        try:
            for number, name in files:
                yield _entry(archive.files[number], number, name, pieces)
        finally:
            pieces.close()
            archive.close()
        if pieces.error is not None:
            raise _why(pieces.error) from None

    def _opened(self) -> Any:
        try:
            archive = self._try(None)
            if not archive.needs_password():
                return archive
            archive.close()
        except PasswordRequired:
            pass
        except _LIBRARY as error:
            raise _why(error) from None
        for password in self.passwords:
            if self._fits(password):
                self.passwords.worked(password)
                return self._try(password)
        raise CutShort(SkipReason.ENCRYPTED)

    def _try(self, password: str | None) -> Any:
        self.source.file.seek(0)
        return py7zr.SevenZipFile(self.source.file, "r", password=password)

    def _fits(self, password: str) -> bool:
        try:
            with self._try(password) as archive:
                _number(archive)
                archive.extractall(factory=_Trial())
        except _Enough:
            return True
        except _LIBRARY:
            return False
        return True


class _Enough(Exception):
    """The password holds so far."""


class _Trial(WriterFactory):
    """Stops when the first file is whole and sound, or when enough of it came out without an error."""

    def __init__(self) -> None:
        self._size = 0
        self._files = 0

    def create(self, filename: str) -> Py7zIO:  # noqa: ARG002
        # The library checks a file against its checksum before it opens the next one.
        self._files += 1
        if self._size and self._files > 1:
            raise _Enough
        return _Writer(0, self._take)

    def _take(self, number: int, data: bytes) -> None:  # noqa: ARG002
        self._size += len(data)
        if self._size >= _ENOUGH:
            raise _Enough


class _Pieces:
    """Gives each file its own pieces, and drops those of files that nobody asked for.

    Nothing is unpacked before the first file is asked for.
    """

    def __init__(self, archive: Any, guard: Guard) -> None:
        self._archive = archive
        self._guard = guard
        self._pump: Pump | None = None
        self._pieces: Iterator[tuple[int, bytes]] = iter(())
        self._held: tuple[int, bytes] | None = None

    @property
    def error(self) -> BaseException | None:
        return self._pump.error if self._pump else None

    def close(self) -> None:
        if self._pump:
            self._pump.close()

    def _started(self) -> Iterator[tuple[int, bytes]]:
        self._pump = Pump(lambda put: self._archive.extractall(factory=_Writers(put)))
        for piece in self._pump.pieces():
            self._guard.alive(len(piece[1]))
            yield piece

    def of(self, number: int, size: int) -> Iterator[bytes]:
        left = size
        if self._pump is None:
            self._pieces = self._started()
        while left > 0 and (piece := self._next(number)) is not None:
            left -= len(piece)
            yield piece
        if left > 0:
            raise _why(self.error) if self.error else Damaged("cut short")

    def _next(self, number: int) -> bytes | None:
        while (piece := self._held or next(self._pieces, None)) is not None:
            self._held = None
            if piece[0] == number:
                return piece[1]
            if piece[0] > number:
                self._held = piece
                return None
        return None


def _entry(info: Any, number: int, name: str, pieces: _Pieces) -> Entry:
    size = int(info.uncompressed or 0)

    def chunks() -> Iterator[bytes]:
        return pieces.of(number, size)

    return Entry(safe_path(name), size, 0, chunks, _refusal(info))


def _is_file(info: Any) -> bool:
    return not info.is_directory


def _number(archive: Any) -> None:
    """Names become numbers: the library refuses a whole archive for one bad name, and knows files by name."""
    for number, info in enumerate(archive.files.files_list):
        info["filename"] = str(number)


def _refusal(info: Any) -> SkipReason | None:
    if info.is_symlink or info.is_junction:
        return SkipReason.LINK
    return SkipReason.SPECIAL_FILE if info.is_socket else None


def _why(error: BaseException | None) -> CutShort:
    if isinstance(error, CutShort):
        return error
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, UnsupportedCompressionMethodError):
        return CutShort(SkipReason.UNSUPPORTED_COMPRESSION)
    if isinstance(error, PasswordRequired):
        return CutShort(SkipReason.ENCRYPTED)
    return Damaged(type(error).__name__)
