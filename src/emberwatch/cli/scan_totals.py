"""The last words of a scan: numbers that add up, and every file that was not read, with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from emberwatch.cli.terminal import visible
from emberwatch.parsing.base import RejectReason
from emberwatch.sources.base import SkippedPart, SkipReason
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.tasks import Done, Failed

_MOST_SHOWN: Final = 100


class Totals:
    """Everything that a scan has counted."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.files = 0
        self.done_bytes = 0
        self.failed: list[Failed] = []
        self._skipped: list[SkippedPart] = []
        self._others = 0

    @property
    def found(self) -> int:
        return self.tally.matched.total()

    def add(self, done: Done, *, continues: bool) -> None:
        self.tally.add(done.tally)
        self.files += 0 if continues else done.files
        self.failed.extend(done.failed)
        for part in done.skipped:
            # A stealer log holds hundreds of these; one number for all keeps what matters in sight.
            if part.reason is SkipReason.NOT_CREDENTIALS:
                self._others += 1
            else:
                self._skipped.append(part)

    def lines(self, seconds: float) -> Iterator[str]:
        tally = self.tally
        speed = f" in {seconds:,.1f} s ({tally.bytes / max(seconds, 1e-9) / 1e6:,.0f} MB/s)"
        yield f"files:    {self.files:,}"
        yield f"bytes:    {tally.bytes:,}{speed}"
        yield (
            f"lines:    {tally.lines:,} = {tally.lines_matched:,} matched + {tally.lines_rejected:,} rejected"
            f" + {tally.lines_without:,} without anything listed"
        )
        login, host = tally.matched["login"], tally.matched["host"]
        yield f"matched:  {self.found:,} credentials = {login:,} by login + {host:,} by host"
        yield f"rejected: {tally.rejected.total():,} entries"
        for reason, number in sorted(tally.rejected.items()):
            yield f"  {number:,}: {RejectReason(reason).label}"
        yield from self._not_read()

    def _not_read(self) -> Iterator[str]:
        yield f"not read: {len(self._skipped) + self._others:,} files"
        for part in self._skipped[:_MOST_SHOWN]:
            yield f"  {visible(part.name)}: {part.reason.label}"
        if len(self._skipped) > _MOST_SHOWN:
            yield f"  and {len(self._skipped) - _MOST_SHOWN:,} more"
        if self._others:
            yield f"  {self._others:,} files: {SkipReason.NOT_CREDENTIALS.label}"
