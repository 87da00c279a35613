"""Follows events, so that a part that a dying reader left open can be ended as it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from emberwatch.parsing.base import ParsedCredential, Reject, RejectReason
from emberwatch.parsing.cookies import ParsedCookie
from emberwatch.sources.base import SkipReason
from emberwatch.sources.events import (
    LeakEvent,
    PartCounts,
    PartFinished,
    PartProgress,
    PartStarted,
)


class Unfinished:
    """What is known of the part that is being reported."""

    def __init__(self, next_part: int) -> None:
        self.next_part = next_part
        """The number from which on nothing was reported yet."""
        self._open: int | None = None
        self._progress: PartProgress | None = None
        self._ours = 0
        self._last_line = 0
        self._rejected: Counter[RejectReason] = Counter()

    def followed(self, events: Iterable[LeakEvent]) -> Iterator[LeakEvent]:
        for event in events:
            self._follow(event)
            yield event

    def cut(self, reason: SkipReason) -> Iterator[LeakEvent]:
        """Ends the open part, if there is one: what was sent of it counts, the rest is one rejected entry."""
        if self._open is None:
            return
        index, self._open = self._open, None
        self._rejected[RejectReason.CUT_SHORT] += 1
        yield Reject(self._last_line + 1, RejectReason.CUT_SHORT, "")
        yield PartFinished(index, self._counts(), reason)

    def _follow(self, event: LeakEvent) -> None:
        if isinstance(event, PartStarted):
            self._begin(event.index)
        elif isinstance(event, ParsedCredential | ParsedCookie):
            self._ours += 1
            self._last_line = event.line
        elif isinstance(event, Reject):
            self._rejected[event.reason] += 1
            self._last_line = event.line
        elif isinstance(event, PartProgress):
            self._progress = event
        else:
            self._open, self.next_part = None, event.index + 1

    def _begin(self, index: int) -> None:
        self._open, self.next_part = index, index + 1
        self._progress, self._ours, self._last_line = None, 0, 0
        self._rejected = Counter()

    def _counts(self) -> PartCounts:
        """Foreign entries are known up to the last sign of progress only, and so the sum stays a true one."""
        known = self._ours + self._rejected.total()
        entries = max(known, self._progress.entries + 1 if self._progress else 0)
        return PartCounts(
            bytes=self._progress.bytes_read if self._progress else 0,
            entries=entries,
            ours=self._ours,
            foreign=entries - known,
            rejected=dict(self._rejected),
        )
