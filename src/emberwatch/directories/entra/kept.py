"""An answer that is kept for a while, so that a run of accounts asks for it once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from emberwatch.core.clock import Clock

T = TypeVar("T")


class Kept(Generic[T]):
    """Reads when nothing is kept or what is kept is too old; threads that come meanwhile wait for the one that reads.

    What ``read`` raises goes to the caller and is not kept.
    """

    def __init__(self, read: Callable[[], T], stays: timedelta, clock: Clock) -> None:
        self._read = read
        self._stays = stays
        self._clock = clock
        self._lock = Lock()
        self._kept: tuple[datetime, T] | None = None

    def get(self) -> T:
        with self._lock:
            # A clock that was set back must not keep an answer for ever.
            if self._kept is None or not timedelta() <= self._clock() - self._kept[0] <= self._stays:
                self._kept = (self._clock(), self._read())
            return self._kept[1]
