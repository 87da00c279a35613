"""Reads one part of a leak from beginning to end: chooses its parser, marks repeats, reports damage."""

from __future__ import annotations

from collections.abc import Iterator

from emberwatch.parsing.base import (
    ANYBODY,
    Outcome,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
)
from emberwatch.parsing.registry import choose
from emberwatch.parsing.repeats import Repeats
from emberwatch.sources.base import LeakPart


def read_part(
    part: LeakPart,
    context: ParseContext = ANYBODY,
    *,
    forced: str | None = None,
    repeats: Repeats | None = None,
) -> Iterator[Outcome]:
    """Every outcome of the part. Pass one ``repeats`` for all parts of a leak to have repetitions flagged."""
    parser = choose(part.head, part.name, forced)
    last = 0
    for outcome in parser.parse(part.lines(), context):
        last = outcome.line
        yield _marked(outcome, part, repeats)
    if part.damaged:
        yield Reject(last + 1, RejectReason.CUT_SHORT, "")


def _marked(outcome: Outcome, part: LeakPart, repeats: Repeats | None) -> Outcome:
    if repeats is None or not isinstance(outcome, ParsedCredential):
        return outcome
    return repeats.mark(outcome, part.machine_key)
