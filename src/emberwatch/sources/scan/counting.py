"""Counts at the speed of memory, which bytes themselves do five times slower."""

from __future__ import annotations

import stringzilla

from emberwatch.matching.prefilter import Buffer


def count(what: bytes, data: Buffer, start: int = 0, end: int | None = None) -> int:
    """How often ``what`` stands in a stretch of ``data``."""
    found: int = stringzilla.count(data, what, start, len(data) if end is None else end)
    return found


def line_ends(data: Buffer, start: int = 0, end: int | None = None) -> int:
    return count(b"\n", data, start, end)
