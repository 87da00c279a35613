"""How long a refused request has to wait, and what time the sender has, as the answer tells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

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


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
