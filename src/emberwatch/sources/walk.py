"""Walks through a leak, container by container, and numbers what it meets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

from emberwatch.parsing.base import Parser, SourceKind
from emberwatch.parsing.cookie_files import looks_like_cookies
from emberwatch.parsing.registry import choose
from emberwatch.parsing.stealer_files import LogFile, is_cookie_file, log_file
from emberwatch.sources.base import HEAD, CutShort, LeakPart, SkippedPart, SkipReason
from emberwatch.sources.containers.base import Container, Entry, Source
from emberwatch.sources.containers.guards import DEFAULT_LIMITS, Guard, Limits
from emberwatch.sources.containers.kinds import STREAM_KINDS, Kind, container_kind
from emberwatch.sources.containers.passwords import ArchivePasswords
from emberwatch.sources.containers.registry import Opening, open_archive
from emberwatch.sources.containers.scratch import Scratch
from emberwatch.sources.containers.streams import CompressedFile, bare_name
from emberwatch.sources.containers.tar_archive import TarArchive
from emberwatch.sources.text import is_text
from emberwatch.sources.victims import Victims

Opened: TypeAlias = LeakPart | SkippedPart
Numbered: TypeAlias = tuple[int, Opened]


def _ignore(index: int) -> None:
    """Nobody wants to know where the walk stands."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A container within the leak."""

    source: Source
    kind: Kind
    name: str
    depth: int

    @property
    def stem(self) -> str:
        return bare_name(self.name).rpartition(".")[0] or bare_name(self.name)


@dataclass(slots=True)
class Walk:
    """One pass over one leak.

    Every file that is met gets the next number, whether it is read or not, and so does a container whose rest
    cannot be had; the numbers are the same in each pass. ``looking`` hears each number before anything of that
    file is opened. Numbers in ``avoid`` are not opened at all: they ended an earlier pass for the reason given.
    """

    scratch: Scratch
    passwords: ArchivePasswords = field(default_factory=ArchivePasswords)
    limits: Limits = DEFAULT_LIMITS
    avoid: dict[int, SkipReason] = field(default_factory=dict)
    looking: Callable[[int], None] = _ignore
    on_bytes: Callable[[int], None] | None = None
    reads_cookies: bool = False
    """Whether cookie files are parts; else they are skipped, as nothing in them is a login."""
    _guard: Guard = field(init=False)
    _next: int = 0

    def parts(self, source: Source, kind: Kind, name: str) -> Iterator[Numbered]:
        self._guard = Guard(source.size, self.limits, self.on_bytes)
        yield from self._container(_Place(source, kind, name, 1))

    def _container(self, place: _Place) -> Iterator[Numbered]:
        begun = self._next
        try:
            container = self._opened(place)
            with closing(self._surveyed(container)) as entries:
                victims = Victims(entries, place.stem)
            with closing(_pass(container)) as entries:
                yield from self._entries(place, entries, victims)
        except CutShort as error:
            yield self._numbered(SkippedPart(place.name, error.reason))
            return
        if self._next == begun:
            yield self._numbered(SkippedPart(place.name, SkipReason.EMPTY))

    def _surveyed(self, container: Container) -> Generator[Entry]:
        """The first of two passes, for names and system files; what is too much for it is not begun."""
        for number, entry in enumerate(_up_to_damage(container), start=1):
            self._guard.check_count(number)
            yield entry

    def _opened(self, place: _Place) -> Container:
        guard, source = self._guard, place.source
        if place.kind not in STREAM_KINDS:
            return open_archive(place.kind, Opening(source, guard, self.passwords, self.scratch))
        compressed = CompressedFile(source, place.kind, place.name)
        if container_kind(_beginning(compressed.chunks())) is not Kind.TAR:
            return compressed
        # A compressed tar is one container: that it is wrapped twice is of no interest to anybody.
        return TarArchive(lambda: guard.inflated(compressed.chunks(), source.size))

    def _entries(self, place: _Place, entries: Iterator[Entry], victims: Victims) -> Iterator[Numbered]:
        seen: Counter[str] = Counter()
        for entry in entries:
            self._guard.count_entry()
            seen[entry.path] += 1
            again = f" ({seen[entry.path]})" if seen[entry.path] > 1 else ""
            yield from self._entry(place, entry, f"{place.name}!{entry.path}{again}", victims)

    def _entry(self, place: _Place, entry: Entry, name: str, victims: Victims) -> Iterator[Numbered]:
        index = self._number()
        reason = self._why_not(index, entry, victims)
        if reason is not None:
            yield index, SkippedPart(name, reason)
            return
        chunks = self._guard.given(entry.chunks(), entry.packed)
        head, whole, cut = _head(chunks)
        kind = container_kind(head)
        if kind is not None:
            rest = chunks if not whole and cut is None else iter(())
            yield from self._nested(index, place, name, kind, chain((head,), rest))
        elif reason := self._why_no_part(head, cut, victims.why_not(entry.path)):
            yield index, SkippedPart(name, reason)
        else:
            rest = _raising(cut) if cut is not None else iter(()) if whole else chunks
            yield index, _part(place, entry, name, victims, head, chain((head,), rest))

    def _why_no_part(
        self, head: bytes, cut: CutShort | None, by_name: SkipReason | None
    ) -> SkipReason | None:
        """Why a file is not read, judged by what stands in it; ``by_name`` holds unless it is cookies."""
        reason = _why_unreadable(head, cut)
        if reason is None and looks_like_cookies(head[:HEAD]):
            return None if self.reads_cookies else SkipReason.COOKIES
        return by_name if reason in (None, SkipReason.EMPTY) and by_name else reason

    def _why_not(self, index: int, entry: Entry, victims: Victims) -> SkipReason | None:
        self.looking(index)
        return (
            self.avoid.get(index)
            or (None if self._may_hold_cookies(entry) else victims.why_not(entry.path))
            or entry.refusal
            or self._guard.why_not(entry.size, entry.packed)
        )

    def _may_hold_cookies(self, entry: Entry) -> bool:
        return (
            self.reads_cookies and is_cookie_file(entry.path) and log_file(entry.path) is not LogFile.GRABBED
        )

    def _nested(
        self, index: int, place: _Place, name: str, kind: Kind, chunks: Iterator[bytes]
    ) -> Iterator[Numbered]:
        if place.depth >= self.limits.depth:
            yield index, SkippedPart(name, SkipReason.NESTED_TOO_DEEP)
            return
        try:
            file, size = self.scratch.keep(chunks)
        except CutShort as error:
            yield index, SkippedPart(name, error.reason)
            return
        with file:
            yield from self._container(_Place(Source(file, size), kind, name, place.depth + 1))

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _numbered(self, skipped: SkippedPart) -> Numbered:
        return self._number(), skipped


def _up_to_damage(container: Container) -> Iterator[Entry]:
    """What ends this pass early ends the next one at the same place, which tells of it."""
    with suppress(CutShort):
        yield from container.entries()


def _pass(container: Container) -> Generator[Entry]:
    yield from container.entries()


def _head(chunks: Iterator[bytes]) -> tuple[bytes, bool, CutShort | None]:
    """The first bytes, whether they are all of it, and what kept the rest from being had."""
    data = b""
    try:
        for chunk in chunks:
            data += chunk
            if len(data) > HEAD:
                return data, False, None
    except CutShort as error:
        return data, True, error
    return data, True, None


def _beginning(chunks: Iterator[bytes]) -> bytes:
    return _head(chunks)[0]


def _raising(cut: CutShort) -> Iterator[bytes]:
    yield b""
    raise cut


def _part(
    place: _Place, entry: Entry, name: str, victims: Victims, head: bytes, chunks: Iterator[bytes]
) -> LeakPart:
    def parser() -> Parser:
        return choose(head[:HEAD], entry.path)

    folder = victims.folder_of(entry.path)
    in_log = folder is not None and victims.describes(folder)
    # In a log the content has no say in what kind of leak this is, and most files of a log are never parsed.
    chosen = None if in_log else parser()
    described = in_log or (
        folder is not None and chosen is not None and chosen.kind is SourceKind.STEALER_LOG
    )
    return LeakPart(
        name=name,
        kind=SourceKind.STEALER_LOG if described or chosen is None else chosen.kind,
        machine=victims.machine(folder) if described and folder is not None else None,
        head=head[:HEAD],
        size=entry.size,
        machine_key=f"{place.name}!{folder}" if described else "",
        _chunks=lambda: chunks,
        holds_cookies=looks_like_cookies(head[:HEAD]),
        _choose=parser,
        _parser=chosen,
    )


def _why_unreadable(head: bytes, cut: CutShort | None) -> SkipReason | None:
    if not head:
        return cut.reason if cut is not None else SkipReason.EMPTY
    return None if is_text(head[:HEAD]) else SkipReason.NOT_TEXT
