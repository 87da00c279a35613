"""Tar, plain or compressed, in one pass from its beginning to its end."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from emberwatch.sources.base import CHUNK, CutShort, Damaged, SkipReason
from emberwatch.sources.containers.base import Entry, safe_path

_DAMAGE: Final = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, UnicodeError)


class _Forward:
    """Chunks as the file that ``tarfile`` reads on from; remembers why they ended early."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.cut: CutShort | None = None

    def read(self, size: int) -> bytes:
        pieces: list[memoryview] = []
        while size > 0 and self._filled():
            piece, self._rest = self._rest[:size], self._rest[size:]
            size -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _filled(self) -> bool:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return False
        except CutShort as error:
            self.cut = error
            return False
        return True


@dataclass(frozen=True, slots=True)
class TarArchive:
    """``begin`` gives the bytes of the tar from its start, anew for each pass."""

    begin: Callable[[], Iterator[bytes]]

    def entries(self) -> Iterator[Entry]:
        stream = _Forward(self.begin())
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK, errorlevel=0) as archive:  # type: ignore[call-overload]
                yield from self._entries(archive)
        except _DAMAGE as error:
            raise stream.cut or Damaged(type(error).__name__) from None
        if stream.cut:
            raise stream.cut

    def _entries(self, archive: tarfile.TarFile) -> Iterator[Entry]:
        while (info := archive.next()) is not None:
            # The list of members that tarfile keeps would grow with the archive.
            archive.members.clear()  # type: ignore[attr-defined]
            if info.isdir():
                continue
            yield _entry(archive, info)


def _entry(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
    def chunks() -> Iterator[bytes]:
        return _chunks(archive, info)

    refusal = None if info.isreg() else SkipReason.LINK if _is_link(info) else SkipReason.SPECIAL_FILE
    return Entry(safe_path(info.name), info.size, 0, chunks, refusal)


def _is_link(info: tarfile.TarInfo) -> bool:
    return info.issym() or info.islnk()


def _chunks(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    left = info.size
    try:
        file: IO[bytes] | None = archive.extractfile(info)
        while file is not None and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    except _DAMAGE as error:
        raise Damaged(type(error).__name__) from None
    if left > 0:
        raise Damaged("cut short")
