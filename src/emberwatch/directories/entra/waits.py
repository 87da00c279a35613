"""How long a refused request has to wait, and what time the sender has, as the answer tells it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from emberwatch.http.waits import date_of

# Of what we may ask for in ten seconds, above this share the directory tells how much is used.
BUSY_FROM: Final = 0.8
WINDOW_SECONDS: Final = 10.0


def directory_time(headers: Mapping[str, str]) -> datetime | None:
    """The sender's own time from the header ``Date``, in whole seconds, or ``None`` when it tells none."""
    return date_of(headers.get("date", ""))


def load_of(headers: Mapping[str, str]) -> float:
    """The share of our allowance that is used up; 0 when the answer does not tell. Names are lower case."""
    try:
        return max(0.0, float(headers.get("x-ms-throttle-limit-percentage", "0")))
    except ValueError:
        return 0.0


def units_of(headers: Mapping[str, str]) -> int:
    """What the answer cost of our allowance, or 0."""
    told = headers.get("x-ms-resource-unit", "")
    return int(told) if told.isascii() and told.isdigit() else 0


def pause_after(load: float) -> float:
    """Seconds to let pass before the next request, so that it need not be refused: the whole window at full load."""
    return min(max(0.0, (load - BUSY_FROM) / (1 - BUSY_FROM)), 1.0) * WINDOW_SECONDS
