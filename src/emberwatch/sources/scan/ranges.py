"""Cuts a file into ranges that many can scan: a line belongs to the range that it starts in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

RANGE: Final = 32 * 1024 * 1024
_STEP: Final = 64 * 1024


def line_ranges(descriptor: int, size: int, step: int = RANGE) -> Iterator[tuple[int, int]]:
    """Start and end of each range, of ``step`` bytes or somewhat more, between line ends."""
    start = 0
    while start < size:
        end = next_line(descriptor, start + step, size)
        yield start, end
        start = end


def next_line(descriptor: int, offset: int, size: int) -> int:
    """Where the first line begins that does not begin before ``offset``; ``size`` when there is none."""
    if offset <= 0:
        return 0
    at = offset - 1
    while at < size:
        data = os.pread(descriptor, min(_STEP, size - at), at)
        if not data:
            break
        found = _line_end(data, last=at + len(data) >= size)
        if found:
            return min(at + found, size)
        at += len(data) - (data[-1:] == b"\r")
    return size


def _line_end(data: bytes, *, last: bool) -> int:
    """How many bytes up to and with the first line end, LF, CRLF or CR; 0 when none is sure."""
    feed, carriage = data.find(b"\n") + 1, data.find(b"\r") + 1
    if not carriage or (feed and feed <= carriage):
        return feed
    if carriage == len(data):
        return carriage if last else 0
    return carriage + (data[carriage] == 0x0A)
