"""Rar of versions 1.5 to 7, plain or protected."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import rars

from emberwatch.sources.base import CHUNK, CutShort, Damaged, SkipReason
from emberwatch.sources.containers.base import Entry, Source, safe_path
from emberwatch.sources.containers.guards import MAX_ENTRIES, Guard
from emberwatch.sources.containers.passwords import ArchivePasswords
from emberwatch.sources.containers.rar_blocks import whole_blocks
from emberwatch.sources.containers.scratch import Scratch

_WORKSPACE: Final = 192 * 1024**2
_WHOLE: Final = 16 * 1024**2
"""Members up to this size are read into memory; larger ones come through a pipe."""
_SMALL_ARCHIVE: Final = 32 * 1024**2
_DIRECTORY_LIMIT: Final = 64 * 1024**2
_UNIX: Final = 1
_REPARSE_POINT: Final = 0x400
_SOLID_BIT: Final = 0x40
_BAD_BLOCK: Final = re.compile(r"at archive offset 0x([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class RarArchive:
    """Opened anew for each pass."""

    source: Source
    guard: Guard
    passwords: ArchivePasswords
    scratch: Scratch

    def entries(self) -> Iterator[Entry]:
        opened, sound = self._opened()
        infos = opened.infolist()
        if any(map(_is_solid, infos)):
            self.guard.check_solid(sum(info.file_size for info in infos), self.source.size)
        members = _Members(opened, infos, self.scratch.folder)
        for info in infos:
            if not info.is_dir():
                yield _entry(members, info)
        if not sound:
            raise Damaged("headers")

    def _opened(self) -> tuple[Any, bool]:
        """The archive and whether all of it is sound. Of a broken one, what stands before the break."""
        try:
            return self._unlocked(self.source.size), True
        except rars.BadRarFile as error:
            broken = _BAD_BLOCK.search(str(error))
            end = int(broken[1], 16) if broken else whole_blocks(self.source.file)
            if not 0 < end < self.source.size:
                raise _why(error) from None
            return self._before(end), False
        except Exception as error:
            raise _why(error) from None

    def _before(self, end: int) -> Any:
        try:
            return self._unlocked(end)
        except Exception as error:
            raise _why(error) from None

    def _unlocked(self, end: int) -> Any:
        try:
            opened = self._open(end, None)
            if _smallest_protected(opened) is None:
                return opened
        except rars.PasswordRequired:
            pass
        for password in self.passwords:
            if (opened := self._fits(end, password)) is not None:
                self.passwords.worked(password)
                return opened
        raise CutShort(SkipReason.ENCRYPTED)

    def _fits(self, end: int, password: str) -> Any:
        try:
            opened = self._open(end, password)
            probe = _smallest_protected(opened)
            if probe is not None and probe.file_size <= _WHOLE:
                opened.read(probe, options=_options())
        except (rars.BadPassword, rars.PasswordRequired):
            return None
        except rars.BadRarFile:
            # Old versions carry no proof of the password: a wrong one shows as damage.
            return None
        return opened

    def _open(self, end: int, password: str | None) -> Any:
        if end == self.source.size and self.source.path:
            return rars.RarFile(self.source.path, password=password, options=_options())
        if end <= _SMALL_ARCHIVE:
            self.source.file.seek(0)
            return rars.RarFile.from_bytes(self.source.file.read(end), password=password, options=_options())
        with self.scratch.in_clear(self.source.file, end) as copy:
            return rars.RarFile(f"/dev/fd/{copy.fileno()}", password=password, options=_options())


class _Members:
    """Reads members the cheapest way that their size and the archive allow."""

    def __init__(self, opened: Any, infos: list[Any], folder: Path) -> None:
        self._opened = opened
        self._infos = infos
        self._folder = folder
        self._names = Counter(info.filename for info in infos)
        self._solid = any(_is_solid(info) for info in infos)
        self._batch: dict[int, bytes] = {}

    def chunks(self, info: Any) -> Iterator[bytes]:
        if info.file_size > _WHOLE:
            yield from self._streamed(info)
        elif data := self._whole(info):
            yield data

    def _whole(self, info: Any) -> bytes:
        try:
            if self._solid and info.member_index not in self._batch:
                self._read_batch(info.member_index)
            if info.member_index in self._batch:
                return self._batch.pop(info.member_index)
            return bytes(self._opened.read(info, options=_options()))
        except Exception as error:
            raise _why(error) from None

    def _read_batch(self, first: int) -> None:
        """In a solid archive each read begins at the first file, so neighbours are read together."""
        wanted, size = [], 0
        for info in self._infos[first:]:
            size += info.file_size
            if size > _WHOLE:
                break
            if not info.is_dir() and _refusal(info) is None:
                wanted.append(info)
        try:
            data = self._opened.read_many(wanted, options=_options())
        except rars.Error:
            return
        self._batch = {info.member_index: bytes(each) for info, each in zip(wanted, data, strict=True)}

    def _streamed(self, info: Any) -> Iterator[bytes]:
        """Through a pipe in a private folder: the library wants a path to write to, and no data may lie there."""
        name = info.filename
        if safe_path(name) != name or self._names[name] > 1:
            raise CutShort(SkipReason.NO_SPACE)
        with TemporaryDirectory(dir=self._folder) as folder:
            pipe = Path(folder, name)
            try:
                pipe.parent.mkdir(parents=True, exist_ok=True)
                os.mkfifo(pipe, 0o600)
            except OSError:
                raise CutShort(SkipReason.NO_SPACE) from None
            yield from _piped(self._opened, info, folder, pipe)


def _piped(opened: Any, info: Any, folder: str, pipe: Path) -> Iterator[bytes]:
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    # Held open until the library is done, so that the end of the pipe is the end of its work.
    writing = os.open(pipe, os.O_WRONLY)
    os.set_blocking(reading, True)
    errors: list[Exception] = []

    def work() -> None:
        try:
            opened.extract(info, folder, overwrite=True, options=_options())
        except Exception as error:
            errors.append(error)
        finally:
            os.close(writing)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while chunk := os.read(reading, CHUNK):
            yield chunk
    finally:
        os.close(reading)
        thread.join()
    if errors:
        raise _why(errors[0])


def _entry(members: _Members, info: Any) -> Entry:
    def chunks() -> Iterator[bytes]:
        return members.chunks(info)

    # In a solid archive a file's own packed size says little.
    packed = 0 if _is_solid(info) else max(info.compress_size, 1)
    return Entry(safe_path(info.filename), info.file_size, packed, chunks, _refusal(info))


def _refusal(info: Any) -> SkipReason | None:
    if info.is_split_before or info.is_split_after:
        return SkipReason.SPLIT_ARCHIVE
    unix = info.host_os == _UNIX or stat.S_ISLNK(info.file_attr)
    linked = stat.S_ISLNK(info.file_attr) if unix else bool(info.file_attr & _REPARSE_POINT)
    return SkipReason.LINK if linked else None


def _is_solid(info: Any) -> bool:
    return bool(info.is_solid or int(info.detail.get("compression_info", "0")) & _SOLID_BIT)


def _smallest_protected(opened: Any) -> Any:
    protected = [info for info in opened.infolist() if info.is_encrypted and not info.is_dir()]
    return min(protected, key=lambda info: int(info.file_size), default=None)


def _options() -> Any:
    return rars.ReadOptions(
        max_reader_workspace_bytes=_WORKSPACE,
        max_header_count=MAX_ENTRIES * 4,
        max_header_bytes=_DIRECTORY_LIMIT,
    )


def _why(error: BaseException) -> CutShort:
    if isinstance(error, CutShort):
        return error
    if isinstance(error, MemoryError) or "workspace" in str(error) or "dictionary" in str(error):
        return CutShort(SkipReason.TOO_MUCH_MEMORY)
    if isinstance(error, (rars.PasswordRequired, rars.BadPassword)):
        return CutShort(SkipReason.ENCRYPTED)
    if isinstance(error, rars.UnsupportedRarFeature):
        return CutShort(SkipReason.UNSUPPORTED_COMPRESSION)
    return Damaged(type(error).__name__)
