"""Scans one part of a container: like a text of its own, with the events that readers of a leak are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from emberwatch.parsing.base import ParsedCredential, Reject, RejectReason
from emberwatch.parsing.registry import choose
from emberwatch.sources.base import LeakPart
from emberwatch.sources.events import LeakEvent, PartCounts, PartFinished, PartProgress, PartStarted
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.text import TextScanner

_SIGN_EVERY: Final = 16 * 1024 * 1024


def scan_events(index: int, part: LeakPart, scanner: TextScanner) -> Iterator[LeakEvent]:
    """The part from its start to its end; entries of nobody watched count as lines alone."""
    yield PartStarted(
        index=index,
        name=part.name,
        kind=part.kind,
        format=choose(part.head, part.name).name,
        machine=part.machine,
        machine_key=part.machine_key,
        size=part.size,
        head=part.head,
    )
    tally = Tally()
    for found in scanner.stream(part.chunks(), part.head, part.name, tally):
        yield found
    if part.cut is not None:
        yield Reject(tally.lines + 1, RejectReason.CUT_SHORT, "")
        tally.rejected[RejectReason.CUT_SHORT] += 1
    yield PartFinished(index, _counts(tally), part.cut)
