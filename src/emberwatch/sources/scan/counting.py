"""Counts at the speed of memory, which bytes themselves do many times slower."""

from __future__ import annotations

from typing import Final

import stringzilla

from emberwatch.matching.prefilter import Buffer

_LINE_END: Final = bytes(byte == 0x0A for byte in range(256))


def count(what: bytes, data: Buffer, start: int = 0, end: int | None = None) -> int:
    """How often ``what`` stands in a stretch of ``data``."""
    found: int = stringzilla.count(data, what, start, len(data) if end is None else end)
    return found


def line_ends(data: Buffer, start: int = 0, end: int | None = None) -> int:
    """How many lines end in a stretch of ``data``."""
    # A one for each line end, and all of them summed up: counting would begin a new search after each.
    ones = stringzilla.translate(data, _LINE_END, start=start, end=len(data) if end is None else end)
    ended: int = stringzilla.bytesum(ones)
    return ended
