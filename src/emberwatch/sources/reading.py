"""Reads one part of a leak from beginning to end: chooses its parser, marks repeats, counts, reports damage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from emberwatch.parsing.base import (
    ANYBODY,
    Foreign,
    Noise,
    Outcome,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
)
from emberwatch.parsing.cookie_files import read_cookie_file
from emberwatch.parsing.cookies import COOKIES, CookieOutcome, ParsedCookie
from emberwatch.parsing.reading import read_chunks
from emberwatch.parsing.repeats import Repeats
from emberwatch.sources.base import LeakPart, SkippedPart
from emberwatch.sources.events import (
    MOST_REJECTS_SENT,
    LeakEvent,
    PartCounts,
    PartFinished,
    PartProgress,
    PartSkipped,
    PartStarted,
    ReadRequest,
)
from emberwatch.sources.repeats import BoundedRepeats
from emberwatch.sources.scan.parts import PartScanner
from emberwatch.sources.watched import context_of

_PROGRESS_EVERY: Final = 20_000


def read_part(
    part: LeakPart,
    context: ParseContext = ANYBODY,
    *,
    forced: str | None = None,
    repeats: Repeats | None = None,
) -> Iterator[Outcome]:
    """Every outcome of the part. Pass one ``repeats`` for all parts of a leak to have repetitions flagged."""
    parser = part.parser_for(forced)
    last = 0
    for outcome in read_chunks(parser, part.chunks(), context):
        last = outcome.line
        yield _marked(outcome, part, repeats)
    if part.cut is not None:
        yield Reject(last + 1, RejectReason.CUT_SHORT, "")


def read_events(
    index: int,
    part: LeakPart,
    context: ParseContext = ANYBODY,
    *,
    forced: str | None = None,
    repeats: Repeats | None = None,
) -> Iterator[LeakEvent]:
    """The part from its start to its end, as a caller of this package sees it."""
    yield _started(index, part, forced)
    tally = _Tally()
    outcomes: Iterator[Outcome | CookieOutcome] = (
        _cookies(part, context)
        if part.holds_cookies
        else read_part(part, context, forced=forced, repeats=repeats)
    )
    for outcome in outcomes:
        tally.add(outcome)
        if isinstance(outcome, ParsedCredential | ParsedCookie) or (
            isinstance(outcome, Reject) and tally.shows_rejects()
        ):
            yield outcome
        if tally.is_due():
            yield PartProgress(index, part.bytes_read, tally.entries)
    yield PartFinished(index, tally.counts(part), part.cut)


def _cookies(part: LeakPart, context: ParseContext) -> Iterator[CookieOutcome]:
    last = 0
    for outcome in read_cookie_file(part.head, part.chunks(), context.host_is_ours):
        last = outcome.line
        yield outcome
    if part.cut is not None:
        yield Reject(last + 1, RejectReason.CUT_SHORT, "")


class LeakReading:
    """One pass over one leak: turns its parts into events."""

    def __init__(self, request: ReadRequest) -> None:
        self._forced = request.format or None
        self._context = context_of(request)
        self._scanner = PartScanner(request) if request.scan else None
        self._repeats = BoundedRepeats()

    def events(self, index: int, opened: LeakPart | SkippedPart) -> Iterator[LeakEvent]:
        if isinstance(opened, SkippedPart):
            yield PartSkipped(index, opened.name, opened.reason)
            return
        if self._scanner is not None:
            yield from self._scanner.events(index, opened)
            return
        repeats = self._repeats.of(opened.machine_key)
        yield from read_events(index, opened, self._context, forced=self._forced, repeats=repeats)


def _started(index: int, part: LeakPart, forced: str | None) -> PartStarted:
    return PartStarted(
        index=index,
        name=part.name,
        kind=part.kind,
        format=COOKIES if part.holds_cookies else part.parser_for(forced).name,
        machine=part.machine,
        machine_key=part.machine_key,
        size=part.size,
        head=part.head,
    )


class _Tally:
    """What became of a part's entries."""

    __slots__ = ("_foreign", "_noise", "_ours", "_outcomes", "_rejected")

    def __init__(self) -> None:
        self._outcomes = self._ours = self._foreign = self._noise = 0
        self._rejected: Counter[RejectReason] = Counter()

    def add(self, outcome: Outcome | CookieOutcome) -> None:
        self._outcomes += 1
        if isinstance(outcome, Foreign):
            self._foreign += 1
        elif isinstance(outcome, Noise):
            self._noise += 1
        elif isinstance(outcome, ParsedCredential | ParsedCookie):
            self._ours += 1
        else:
            self._rejected[outcome.reason] += 1

    @property
    def entries(self) -> int:
        return self._outcomes - self._noise

    def shows_rejects(self) -> bool:
        return self._rejected.total() <= MOST_REJECTS_SENT

    def is_due(self) -> bool:
        return self._outcomes % _PROGRESS_EVERY == 0

    def counts(self, part: LeakPart) -> PartCounts:
        return PartCounts(
            bytes=part.bytes_read,
            lines=part.lines_read,
            entries=self.entries,
            ours=self._ours,
            foreign=self._foreign,
            noise=self._noise,
            rejected=dict(self._rejected),
        )


def _marked(outcome: Outcome, part: LeakPart, repeats: Repeats | None) -> Outcome:
    if repeats is None or not isinstance(outcome, ParsedCredential):
        return outcome
    return repeats.mark(outcome, part.machine_key)
