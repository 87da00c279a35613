"""How long a refused request has to wait, and what time the sender has, as the answer tells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

# Of what we may ask for in ten seconds, above this share the directory tells how much is used.
BUSY_FROM: Final = 0.8
WINDOW_SECONDS: Final = 10.0
_SECONDS: Final = re.compile(r"\d{1,9}(\.\d+)?")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from a ``Retry-After`` header in either of its spellings, or ``None`` when it tells nothing.

    ``headers`` is asked in any case of letters. A date counts from the answer's own ``Date`` when it has one, because
    our clock may differ from the sender's.
    """
    named = {name.lower(): str(value).strip() for name, value in headers.items()}
    told = named.get("retry-after", "")
    if _SECONDS.fullmatch(told):
        return float(told)
    moment = _date(told)
    if moment is None:
        return None
    return max(0.0, (moment - (_date(named.get("date", "")) or now)).total_seconds())


def directory_time(headers: Mapping[str, str]) -> datetime | None:
    """The sender's own time from the header ``Date``, in whole seconds, or ``None`` when it tells none."""
    return _date(headers.get("date", ""))


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


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
