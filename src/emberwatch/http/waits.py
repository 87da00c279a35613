"""How long an answer asks to wait, and what time its sender has. Pure."""

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
    moment = date_of(told)
    if moment is None:
        return None
    return max(0.0, (moment - (date_of(named.get("date", "")) or now)).total_seconds())


def date_of(text: str) -> datetime | None:
    """The moment of an HTTP date, or ``None`` for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
