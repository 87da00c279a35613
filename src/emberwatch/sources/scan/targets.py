"""What there is to scan: the files behind the paths that a person gave, each with its machine if it is in a log."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from emberwatch.core.errors import BadInput
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.sources.base import SkippedPart, SkipReason
from emberwatch.sources.containers.base import Entry
from emberwatch.sources.scan.text import file_chunks
from emberwatch.sources.victims import Victims

STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Target:
    """One file; ``path`` is ``None`` for standard input."""

    name: str
    """Under the path that was given."""
    path: Path | None
    size: int
    """0 when it cannot be known."""
    seekable: bool
    machine: MachineFacts | None = None


Met: TypeAlias = Target | SkippedPart


def targets_of(paths: Sequence[Path], output: os.stat_result | None = None) -> Iterator[Met]:
    """Everything behind ``paths``, in order; ``output`` is the file that is being written, and is left out."""
    for path in paths:
        if str(path) == STANDARD_INPUT:
            yield Target(STANDARD_INPUT, None, 0, seekable=False)
            continue
        found = _stat(path)
        if stat.S_ISDIR(found.st_mode):
            yield from _below(path, output)
        elif not _same(found, output):
            yield _target(path, path.name, found)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", field="path") from None


def _target(path: Path, name: str, found: os.stat_result, machine: MachineFacts | None = None) -> Target:
    regular = stat.S_ISREG(found.st_mode)
    return Target(name, path, found.st_size if regular else 0, seekable=regular, machine=machine)


def _below(folder: Path, output: os.stat_result | None) -> Iterator[Met]:
    files = dict(_files(folder))
    victims = Victims((_entry(folder, name, found) for name, found in files.items()), folder.name)
    for name, found in files.items():
        if _same(found, output):
            continue
        reason = _why_not(name, found, victims)
        yield SkippedPart(name, reason) if reason else _of_log(folder, name, found, victims)


def _of_log(folder: Path, name: str, found: os.stat_result, victims: Victims) -> Target:
    victim = victims.folder_of(name)
    described = victim is not None and victims.describes(victim)
    machine = victims.machine(victim) if described and victim is not None else None
    return _target(folder / name, name, found, machine)


def _why_not(name: str, found: os.stat_result, victims: Victims) -> SkipReason | None:
    if stat.S_ISLNK(found.st_mode):
        return SkipReason.LINK
    if not stat.S_ISREG(found.st_mode):
        return SkipReason.NOT_TEXT
    # Outside of a log a file is what it holds, whatever it is called.
    return victims.why_not(name) if victims.folder_of(name) is not None else None


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Paths below the folder with forward slashes, in order; links are named and not followed."""

    def refuse(error: OSError) -> None:
        raise BadInput(f"{error.filename} cannot be read: {error.strerror}.", field="path") from None

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted([*names, *(each for each in folders if Path(place, each).is_symlink())]):
            path = Path(place, name)
            yield path.relative_to(folder).as_posix(), path.lstat()


def _entry(folder: Path, name: str, found: os.stat_result) -> Entry:
    def chunks() -> Iterator[bytes]:
        try:
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return
        try:
            yield from file_chunks(descriptor)
        finally:
            os.close(descriptor)

    refusal = None if stat.S_ISREG(found.st_mode) else SkipReason.LINK
    return Entry(name, found.st_size, found.st_size, chunks, refusal)


def _same(found: os.stat_result, output: os.stat_result | None) -> bool:
    return output is not None and (found.st_dev, found.st_ino) == (output.st_dev, output.st_ino)
