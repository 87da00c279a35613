"""Every kind of archive and what opens it, by hand: a new one is a module of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from emberwatch.sources.base import read_chunks
from emberwatch.sources.containers.base import Container, Source
from emberwatch.sources.containers.guards import Guard
from emberwatch.sources.containers.kinds import Kind
from emberwatch.sources.containers.passwords import ArchivePasswords
from emberwatch.sources.containers.scratch import Scratch
from emberwatch.sources.containers.tar_archive import TarArchive
from emberwatch.sources.containers.zip_archive import open_zip


@dataclass(frozen=True, slots=True)
class Opening:
    """All that some kind of archive needs to be opened."""

    source: Source
    guard: Guard
    passwords: ArchivePasswords
    scratch: Scratch


_Opener: TypeAlias = Callable[[Opening], Container]


def _zip(wanted: Opening) -> Container:
    return open_zip(wanted.source, wanted.passwords)


def _tar(wanted: Opening) -> Container:
    def begin() -> Iterator[bytes]:
        wanted.source.file.seek(0)
        return read_chunks(wanted.source.file)

    return TarArchive(begin)


# The libraries behind these two are large; a reader that meets none of their archives does not load them.
def _seven_zip(wanted: Opening) -> Container:
    from emberwatch.sources.containers.seven_zip import SevenZip

    return SevenZip(wanted.source, wanted.guard, wanted.passwords)


def _rar(wanted: Opening) -> Container:
    from emberwatch.sources.containers.rar_archive import RarArchive

    return RarArchive(wanted.source, wanted.guard, wanted.passwords, wanted.scratch)


_OPENERS: Final[Mapping[Kind, _Opener]] = {
    Kind.ZIP: _zip,
    Kind.TAR: _tar,
    Kind.SEVEN_ZIP: _seven_zip,
    Kind.RAR: _rar,
}


def open_archive(kind: Kind, wanted: Opening) -> Container:
    return _OPENERS[kind](wanted)
