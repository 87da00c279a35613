"""What there is to read in a piece, in steps: each holds credentials to store and the place to go on from.

Two kinds of pieces give the same steps. A range of a file of lines goes on from an offset; everything else is read
by the reader of leaks and goes on from a part and the number of its credentials that are stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Final

from emberwatch.ingestion.counts import ImportCounts
from emberwatch.ingestion.models import Import, Piece
from emberwatch.ingestion.ranges import whole_lines
from emberwatch.ingestion.recording import Part
from emberwatch.ingestion.sieve import Sieve
from emberwatch.matching.prefilter import Prefilter
from emberwatch.parsing.base import (
    Flag,
    LineFormat,
    ParseContext,
    ParsedCredential,
    Reject,
)
from emberwatch.parsing.cookies import COOKIES, ParsedCookie
from emberwatch.parsing.registry import choose
from emberwatch.sources.base import SkipReason
from emberwatch.sources.events import LeakEvent, PartFinished, PartProgress, PartSkipped, PartStarted

STEP_CREDENTIALS: Final = 10_000
STEP_BYTES: Final = 16 * 1024**2
MOST_SAMPLES: Final = 50


@dataclass(slots=True)
class Checkpoint:
    """Where to go on; what each number means depends on the kind of piece."""

    part: int = 0
    entry: int = 0
    line: int = 0
    position: int = 0


@dataclass(slots=True)
class Step:
    """Something to be stored together with the checkpoint after it."""

    after: Checkpoint
    credentials: list[tuple[ParsedCredential, Part]] = field(default_factory=list)
    counts: ImportCounts = field(default_factory=ImportCounts)
    """All but what the store alone can tell: which of ``credentials`` are new."""
    cookies: list[tuple[ParsedCookie, Part]] = field(default_factory=list)
    cookie_counts: ImportCounts = field(default_factory=ImportCounts)
    """The same of ``cookies``."""
    rejects: list[dict[str, str | int]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    other_files: int = 0

    @property
    def size(self) -> int:
        return len(self.credentials) + len(self.cookies)


def printable(name: str) -> str:
    """A file's name as it may be shown: what a leak calls its files is not ours to trust."""
    return "".join(character if character.isprintable() else "�" for character in name)


def _sample(file_name: str, reject: Reject) -> dict[str, str | int]:
    return {
        "file": printable(file_name),
        "line": reject.line,
        "reason": reject.reason.label,
        "sample": reject.sample,
    }


class RangeStream:
    """A range of a file whose lines stand each for itself."""

    def __init__(
        self, wanted: Import, piece: Piece, head: bytes, context: ParseContext, prefilter: Prefilter
    ) -> None:
        self._piece = piece
        parser = choose(head, wanted.file_name, wanted.format or None)
        assert isinstance(parser, LineFormat)  # noqa: S101 - only such files are cut into ranges
        self._sieve = Sieve(parser.line_reader(head, context), prefilter)
        self._part = Part(wanted.file_name, parser.kind.value)

    def steps(self, file: BinaryIO) -> Iterator[Step]:
        piece = self._piece
        start = max(piece.start, piece.entry)
        line = piece.line or piece.first_line
        step = Step(Checkpoint(0, start, line, start - piece.start))
        begun = start
        for block in whole_lines(file, start, piece.end):
            line = self._add(step, block.data, line)
            step.after = Checkpoint(0, block.end, line, block.end - piece.start)
            if len(step.credentials) >= STEP_CREDENTIALS or block.end - begun >= STEP_BYTES:
                yield step
                step, begun = Step(step.after), block.end
        yield step

    def _add(self, step: Step, block: bytes, line: int) -> int:
        sifted = self._sieve.sift(block, line)
        step.credentials += [(found, self._part) for found in sifted.credentials]
        samples = sifted.rejects[: MOST_SAMPLES - len(step.rejects)]
        step.rejects += [_sample(self._part.file_name, reject) for reject in samples]
        step.counts += ImportCounts(read=sifted.read, foreign=sifted.foreign, rejected=len(sifted.rejects))
        return sifted.next_line


class EventStream:
    """Everything else: the parts of a container, or one file that cannot be cut."""

    def __init__(self, piece: Piece) -> None:
        self._stored_part, self._stored = piece.part, piece.entry
        self._part = Part("", "")
        self._holds_cookies = False
        self._entry = 0
        self._step = Step(Checkpoint(piece.part, piece.entry, 0, piece.position))

    def steps(self, events: Iterator[LeakEvent]) -> Iterator[Step]:
        for event in events:
            self._take(event)
            if self._is_due(event):
                yield self._step
                self._step = Step(replace(self._step.after))
        yield self._step

    def _is_due(self, event: LeakEvent) -> bool:
        return self._step.size >= STEP_CREDENTIALS or (
            isinstance(event, PartProgress) and bool(self._step.size)
        )

    def _take(self, event: LeakEvent) -> None:
        after = self._step.after
        if isinstance(event, ParsedCredential):
            self._credential(event)
        elif isinstance(event, ParsedCookie):
            if self._is_next():
                self._step.cookies.append((event, self._part))
        elif isinstance(event, PartStarted):
            self._part = Part(event.name, event.kind.value, event.machine, event.machine_key)
            self._holds_cookies = event.format == COOKIES
            self._entry = 0
        elif isinstance(event, Reject):
            if len(self._step.rejects) < MOST_SAMPLES:
                self._step.rejects.append(_sample(self._part.file_name, event))
        elif isinstance(event, PartProgress):
            after.position = max(after.position, event.position or event.bytes_read)
        else:
            self._end(event)

    def _is_next(self) -> bool:
        """Counts a credential or cookie of the part; ``False`` for one that an earlier run has stored."""
        self._entry += 1
        after = self._step.after
        if after.part == self._stored_part and self._entry <= self._stored:
            return False
        after.entry = self._entry
        return True

    def _credential(self, found: ParsedCredential) -> None:
        if not self._is_next():
            return
        if Flag.REPEATED in found.flags:
            # An aggregate file repeats what the browsers' own files hold: one sighting is enough.
            self._step.counts += ImportCounts(duplicate=1)
        else:
            self._step.credentials.append((found, self._part))

    def _end(self, event: PartFinished | PartSkipped) -> None:
        step = self._step
        step.after.part, step.after.entry = event.index + 1, 0
        if isinstance(event, PartFinished):
            rejected = sum(event.counts.rejected.values())
            counts = ImportCounts(read=event.counts.entries, foreign=event.counts.foreign, rejected=rejected)
            if self._holds_cookies:
                step.cookie_counts += counts
            else:
                step.counts += counts
            if event.cut is not None:
                step.skipped.append({"name": printable(self._part.file_name), "reason": event.cut.label})
        elif event.reason is SkipReason.NOT_CREDENTIALS:
            # A stealer archive holds hundreds of these; one line for all keeps what matters in sight.
            step.other_files += 1
        else:
            step.skipped.append({"name": printable(event.name), "reason": event.reason.label})
