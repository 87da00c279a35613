"""Walks through a leak, container by container, and numbers what it meets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from emberwatch.parsing.base import SourceKind
from emberwatch.parsing.registry import choose
from emberwatch.sources.base import HEAD, CutShort, LeakPart, SkippedPart, SkipReason, read_chunks
from emberwatch.sources.containers.base import Container, Entry, Source, safe_path
from emberwatch.sources.containers.guards import DEFAULT_LIMITS, Guard, Limits
from emberwatch.sources.containers.inflate import inflate
from emberwatch.sources.containers.kinds import STREAM_KINDS, Kind, container_kind
from emberwatch.sources.containers.passwords import ArchivePasswords
from emberwatch.sources.containers.registry import open_container
from emberwatch.sources.containers.scratch import Scratch
from emberwatch.sources.containers.streams import bare_name
from emberwatch.sources.containers.tar_archive import TarArchive
from emberwatch.sources.text import is_text
from emberwatch.sources.victims import Victims

Opened: TypeAlias = LeakPart | SkippedPart

_FATAL: Final = frozenset(
    {SkipReason.TOO_MANY_ENTRIES, SkipReason.TOO_MUCH_DATA}
)


def _ignore(index: int) -> None:
    """Nobody wants to know where the walk stands."""


@dataclass(slots=True)
class Walk:
    """One pass over one leak.

    Every file that is met gets the next number, whether it is read or not, and so does a container whose rest
    cannot be had; the numbers are the same in each pass. ``looking`` hears each number before anything of it is
    opened. Numbers in ``avoid`` are not opened at all: they ended an earlier pass for the reason that is given.
    """

    scratch: Scratch
    passwords: ArchivePasswords = field(default_factory=ArchivePasswords)
    limits: Limits = DEFAULT_LIMITS
    avoid: dict[int, SkipReason] = field(default_factory=dict)
    looking: Callable[[int], None] = _ignore
    on_bytes: Callable[[int], None] | None = None
    _next: int = 0

    def parts(self, source: Source, name: str, head: bytes) -> Iterator[tuple[int, Opened]]:
        """Of the container that begins with ``head``."""
        guard = Guard(source.size, self.limits, self.on_bytes)
        kind = container_kind(head)
        assert kind is not None  # noqa: S101 - the caller has looked
        yield from self._container(_Place(guard, source, name, kind, 1))

    def _container(self, place: _Place) -> Iterator[tuple[int, Opened]]:
        begun = self._next
        try:
            container, kind = self._opened(place)
            with closing(container.entries()) as entries:
                victims = Victims.among(entries, place.stem)
            with closing(container.entries()) as entries:
                yield from self._entries(place, entries, victims)
        except CutShort as error:
            yield self._number(), SkippedPart(place.name, error.reason)
            return
        if self._next == begun:
            yield self._number(), SkippedPart(place.name, SkipReason.EMPTY)
