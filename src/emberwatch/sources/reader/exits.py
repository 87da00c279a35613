"""How a reader process ends, and what that says about the archive that it was reading."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from emberwatch.sources.base import SkipReason


class Exit(IntEnum):
    """Its exit code."""

    DONE = 0
    FAULT = 70
    MEMORY = 86


_REASONS: Final[Mapping[int, SkipReason]] = {
    Exit.MEMORY: SkipReason.READER_OUT_OF_MEMORY,
    # The kernel's own way to end a process that takes too much.
    -signal.SIGKILL: SkipReason.READER_OUT_OF_MEMORY,
    -signal.SIGXCPU: SkipReason.READER_OUT_OF_TIME,
    -signal.SIGXFSZ: SkipReason.NO_SPACE,
}


def why_it_died(code: int) -> SkipReason:
    return _REASONS.get(code, SkipReason.READER_CRASHED)
