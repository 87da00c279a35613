"""Scans formats whose entries are single lines: only lines in which something watched may stand are parsed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from emberwatch.matching.prefilter import Buffer, Prefilter
from emberwatch.parsing.base import LineReader, ParsedCredential, Reject, RejectReason
from emberwatch.parsing.lines import MAX_LINE
from emberwatch.sources.scan.blocks import Block
from emberwatch.sources.scan.counting import line_ends
from emberwatch.sources.scan.tally import Counting, Tally

Found: TypeAlias = ParsedCredential | Reject


class LineScan:
    """Goes through the blocks of one file, or of one range of it, in order."""

    def __init__(self, prefilter: Prefilter, reader: LineReader, tally: Tally) -> None:
        self._prefilter = prefilter
        self._reader = reader
        self._counting = Counting(tally)
        self._tally = tally
        self._endless: bool | None = None
        """Inside a line without end: whether something watched stands in it."""

    def scan(self, block: Block) -> Iterator[Found]:
        """What stands in the block, with line numbers from the beginning of the scan."""
        if block.piece:
            ours = self._prefilter.holds(block.data, block.end)
            self._endless = bool(self._endless) or ours
            return
        for found in self._lines(block.data, block.end):
            if found is not None:
                self._counting.note(found)
                yield found

    def _lines(self, data: Buffer, end: int) -> Iterator[Found | None]:
        number, counted, done = self._tally.lines + 1, 1, 0
        if self._endless is not None:
            done = (data.find(b"\n", 1, end) + 1) or end
            yield self._end_of_endless(data, done, number)
        for start, stop in self._prefilter.places(data, end):
            if stop <= done:
                continue
            begin = data.rfind(b"\n", 0, start) + 1
            number += line_ends(data, counted, begin)
            counted = begin
            done = data.find(b"\n", stop, end)
            done = end if done < 0 else done
            yield self._read(number, data, begin, done)
        number += line_ends(data, counted, end)
        self._tally.lines = number - 1 + (data[end - 1] != 0x0A)

    def _read(self, number: int, data: Buffer, begin: int, end: int) -> Found | None:
        if data[end - 1] == 0x0D:
            end -= 1
        outcome = self._reader(number, bytes(data[begin : min(end, begin + MAX_LINE + 1)]))
        return outcome if isinstance(outcome, ParsedCredential | Reject) else None

    def _end_of_endless(self, data: Buffer, end: int, number: int) -> Found | None:
        ours = self._endless or self._prefilter.holds(data, end)
        self._endless = None
        return Reject(number, RejectReason.LINE_TOO_LONG, "") if ours else None
