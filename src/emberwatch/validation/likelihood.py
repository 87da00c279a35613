"""How likely a leaked password is the account's present one, before anybody asks. Pure; an order, not a probability.

The numbers are a table of judgement: an infostealer takes what a person uses today, a combo list repeats years.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from emberwatch.exposures.models import SourceKind

BASE: Final[Mapping[str, float]] = {
    SourceKind.STEALER_LOG: 0.40,
    SourceKind.FEED: 0.20,
    SourceKind.ULP: 0.20,
    SourceKind.BREACH: 0.06,
    SourceKind.COMBO_LIST: 0.04,
}
# The chance halves with each of these.
HALF_LIFE: Final = timedelta(days=180)
# Saved for the very page where employees of a directory sign in.
AT_SIGN_IN_PAGE: Final = 2.0
# Seen again in other places, each adds this share, up to three.
SEEN_AGAIN: Final = 0.15
MOST_SEEN_AGAIN: Final = 3
# Microsoft itself found a leaked password of the account in use.
DETECTED: Final = 2.0
# Hosts under which the sign-in pages of the directory's clouds live, as a pattern of PostgreSQL.
SIGN_IN_PAGES: Final = (
    r"://(login|sts|adfs|account)\.(microsoftonline|microsoft|windows|live|partner\.microsoftonline)\."
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the order rests on."""

    source_kind: str
    leaked_at: datetime | None
    sightings: int
    at_sign_in_page: bool
    detected: bool = False


def likelihood(candidate: Candidate, now: datetime) -> float:
    """Above 0 and below 1; higher goes first."""
    score = BASE.get(candidate.source_kind, min(BASE.values()))
    score *= _fading(candidate.leaked_at, now)
    score *= AT_SIGN_IN_PAGE if candidate.at_sign_in_page else 1.0
    score *= 1 + SEEN_AGAIN * min(max(candidate.sightings - 1, 0), MOST_SEEN_AGAIN)
    score *= DETECTED if candidate.detected else 1.0
    # Never 1 and never 0: nothing is certain here, and products stay comparable.
    return score / (1 + score)


def _fading(leaked_at: datetime | None, now: datetime) -> float:
    if leaked_at is None:
        return 0.25
    age = max(now - leaked_at, timedelta(0))
    return max(float(0.5 ** (age / HALF_LIFE)), 0.01)
