"""Scans one part of a container: like a text of its own, with the events that readers of a leak are given."""

from __future__ import annotations

from collections.abc import Iterator

from emberwatch.matching.prefilter import prefilter_for
from emberwatch.matching.watchlist import parse_watchlist
from emberwatch.parsing.base import Reject, RejectReason
from emberwatch.sources.base import LeakPart
from emberwatch.sources.events import LeakEvent, PartCounts, PartFinished, PartStarted, ReadRequest
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.text import TextScanner


class PartScanner:
    """Reads the parts of containers, parsing only what may hold something watched."""

    def __init__(self, request: ReadRequest) -> None:
        watched = parse_watchlist(request.watched or ())
        self._forced = request.format or None
        self._text = TextScanner(watched, prefilter_for(watched))

    def events(self, index: int, part: LeakPart) -> Iterator[LeakEvent]:
        """The part from its start to its end; entries of nobody watched count as lines alone."""
        whole = part.size == len(part.head)
        idle = whole and not self._text.may_hold_ours(part.head)
        # Most files of a log are small and nobody's: asking which format they have would take longer than this.
        parser = None if idle else part.parser_for(self._forced)
        yield PartStarted(
            index=index,
            name=part.name,
            kind=part.kind,
            format=parser.name if parser else "",
            machine=part.machine,
            machine_key=part.machine_key,
            size=part.size,
            head=b"",
        )
        tally = Tally()
        if parser is None:
            self._text.pass_over(part.chunks(), tally)
        else:
            yield from self._text.stream(part.chunks(), part.head, parser, tally)
        if part.cut is not None:
            tally.rejected[RejectReason.CUT_SHORT] += 1
            yield Reject(tally.lines + 1, RejectReason.CUT_SHORT, "")
        yield PartFinished(index, _counts(tally), part.cut)


def _counts(tally: Tally) -> PartCounts:
    ours, rejected = tally.matched.total(), tally.rejected.total()
    by_reason = {RejectReason(reason): number for reason, number in tally.rejected.items()}
    return PartCounts(
        bytes=tally.bytes, lines=tally.lines, entries=ours + rejected, ours=ours, rejected=by_reason
    )
