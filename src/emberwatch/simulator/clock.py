"""The simulator's clock: real time plus an offset that tests move, or a time that stands still."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from emberwatch.core.clock import Clock, utc_now


class SimClock:
    """Calling it gives the simulated time; every expiry, lock and time stamp of the simulator follows it."""

    def __init__(
        self, start: datetime | None = None, *, frozen: bool = False, source: Clock = utc_now
    ) -> None:
        self._source = source
        self._guard = threading.Lock()
        self._offset = timedelta()
        self._frozen_at: datetime | None = None
        if start is not None:
            self.set(start)
        if frozen:
            self._frozen_at = start or self()

    def __call__(self) -> datetime:
        with self._guard:
            return self._frozen_at if self._frozen_at is not None else self._source() + self._offset

    def advance(self, seconds: float) -> datetime:
        """Move forward (or back, when negative) and return the new time."""
        step = timedelta(seconds=seconds)
        with self._guard:
            self._offset += step
            if self._frozen_at is not None:
                self._frozen_at += step
        return self()

    def set(self, moment: datetime) -> datetime:
        """Jump to a moment; an aware time is required."""
        if moment.tzinfo is None:
            raise ValueError("the simulated clock needs a time with a time zone")
        with self._guard:
            self._offset = moment - self._source()
            if self._frozen_at is not None:
                self._frozen_at = moment.astimezone(UTC)
        return self()
