"""Counts line ends. For large inputs it is worth loading a library that does so at the speed of memory."""

from __future__ import annotations

from typing import Final

from emberwatch.matching.prefilter import Buffer
from emberwatch.sources.scan.lines import CountLines, CountWithin, count_lines

WORTH_LOADING: Final = 256 * 1024 * 1024
_ROOM: Final = 4 * 1024 * 1024
"""More than a block of lines holds, as a rule."""


def line_counter(size: int) -> CountLines:
    """The way to count that suits ``size`` bytes in all."""
    return _vectorised() if size >= WORTH_LOADING else count_lines


def _vectorised() -> CountLines:
    import numpy as np

    answers = np.empty(_ROOM, dtype=np.bool_)

    def count(data: Buffer, end: int) -> CountWithin:
        if end > _ROOM:
            return count_lines(data, end)
        there = answers[:end]
        np.equal(np.frombuffer(data, dtype=np.uint8, count=end), 0x0A, out=there)
        return lambda start, stop: int(np.count_nonzero(there[start:stop]))

    return count
