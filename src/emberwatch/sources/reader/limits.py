"""What the reader process may use; it ties itself down before it looks at a single foreign byte."""

from __future__ import annotations

import resource
import sys
from typing import Final

MEMORY: Final = 384 * 1024**2
"""Memory of its own. The address space may be larger, for libraries and stacks."""
ADDRESS_SPACE: Final = 1536 * 1024**2
OPEN_FILES: Final = 64
FILE_SIZE: Final = 64 * 1024**3
CPU_SECONDS: Final = 60
"""For an archive, beside what its size earns it."""
_BYTES_PER_SECOND: Final = 1024**2
"""Who unpacks and parses this much in a second of computing time goes on; ten times as much is usual."""
_STEP: Final = 4 * 1024**2


def tie_down(memory: int = MEMORY) -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, FILE_SIZE)
    # Elsewhere these two are not enforced, or not settable.
    if sys.platform == "linux":
        _limit(resource.RLIMIT_DATA, memory)
        _limit(resource.RLIMIT_AS, max(ADDRESS_SPACE, memory))


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (allowed, allowed))


class CpuAllowance:
    """Computing time is earned by progress, so that no archive can spend more than it is worth."""

    __slots__ = ("_base", "_bytes", "_next", "_started")

    def __init__(self, base: int = CPU_SECONDS) -> None:
        self._base = base
        self.begin()

    def begin(self) -> None:
        """A new archive, a new account."""
        self._started = _used()
        self._bytes = self._next = 0
        self._set()

    def earn(self, size: int) -> None:
        self._bytes += size
        if self._bytes >= self._next:
            self._next = self._bytes + _STEP
            self._set()

    def _set(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(self._started) + 1 + self._base + self._bytes // _BYTES_PER_SECOND
        resource.setrlimit(
            resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
        )


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
