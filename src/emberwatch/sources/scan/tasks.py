"""The pieces of work that a scan is cut into, and what each of them tells."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from emberwatch.parsing.base import LineFormat
from emberwatch.parsing.cookie_files import looks_like_cookies
from emberwatch.parsing.registry import choose
from emberwatch.parsing.system_info import MachineFacts
from emberwatch.sources.base import HEAD, SkippedPart
from emberwatch.sources.containers.kinds import container_kind
from emberwatch.sources.scan.lines import Found
from emberwatch.sources.scan.ranges import RANGE, line_ranges
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.targets import Met, Target
from emberwatch.sources.scan.text import UTF16
from emberwatch.sources.text import is_text


@dataclass(frozen=True, slots=True)
class Task:
    """One file, or one range of its lines."""

    target: Target
    start: int = 0
    end: int | None = None
    """``None``: the whole file, whatever it is."""
    lines: LineFormat | None = None
    """Of a range: the format of its file."""

    @property
    def continues(self) -> bool:
        """Whether its lines are numbered from where the task before it stopped."""
        return self.end is not None and self.start > 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where findings stood."""

    name: str
    machine: MachineFacts | None = None


Row: TypeAlias = tuple[int, bytes]
"""A finding's line, counted from the task's beginning, and the finding as it is written, up to that number."""
Render: TypeAlias = Callable[[Found, Origin], bytes | None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Findings of one task, in order."""

    origin: Origin
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be read to its end, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """A sign of life: so many bytes of the given files are done."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a task."""

    tally: Tally
    files: int = 1
    skipped: list[SkippedPart] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


Message: TypeAlias = Rows | Advanced | Done

_CUT_FROM: Final = 2 * RANGE


def tasks_of(met: Iterable[Met]) -> Iterator[Task | SkippedPart]:
    """One task a file, or many for a large one whose lines stand for themselves."""
    for each in met:
        if isinstance(each, SkippedPart):
            yield each
        elif each.seekable and each.size >= _CUT_FROM:
            yield from _cut(each)
        else:
            yield Task(each)


def _cut(target: Target) -> Iterator[Task]:
    try:
        descriptor = os.open(target.path or "", os.O_RDONLY)
    except OSError:
        yield Task(target)  # Who reads it will say why it cannot be read.
        return
    try:
        lines = line_format_of(os.pread(descriptor, HEAD, 0), target.name)
        if lines is None:
            yield Task(target)
            return
        for start, end in line_ranges(descriptor, target.size):
            yield Task(target, start, end, lines)
    finally:
        os.close(descriptor)


def line_format_of(head: bytes, name: str) -> LineFormat | None:
    """The format of a file that may be read from any of its lines on."""
    if container_kind(head) is not None or not is_text(head) or head.startswith(UTF16):
        return None
    if looks_like_cookies(head):
        return None
    parser = choose(head, name)
    return parser if isinstance(parser, LineFormat) else None
