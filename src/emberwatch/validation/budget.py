"""The lockout budget. Pure: the ledger of one account in, a slot or a refusal out.

An account is a directory and an object id, across all tenants and workers. Failed attempts, and those whose
outcome is unknown, are counted over 24 hours. Source of the limits: Microsoft's page on smart lockout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from emberwatch.core.verdict import Verdict

WINDOW: Final = timedelta(hours=24)
MOST_FAILED_ATTEMPTS: Final = 2
# A budget is at most this share of the tries that lock the account.
SHARE_OF_THRESHOLD: Final = 4


@dataclass(frozen=True, slots=True)
class Spent:
    """One earlier attempt on the account, as the ledger has it."""

    attempt_id: str
    at: datetime
    in_flight: bool
    failed: bool
    """True unless the directory's answer showed that the password was right."""
    verdict: Verdict | None
    same_pair: bool
    answered_wrong: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """``cloud_limit``: 1 in US Government clouds, else 2. ``single_try``: pass-through or unknown hybrid."""

    lockout_threshold: int
    cloud_limit: int
    single_try: bool

    @property
    def failed_attempts_allowed(self) -> int:
        if self.single_try or self.cloud_limit == 1:
            # These set-ups lock early; one try stays safe as long as two would not lock the account.
            return 1 if self.lockout_threshold > 1 else 0
        return min(MOST_FAILED_ATTEMPTS, self.lockout_threshold // SHARE_OF_THRESHOLD)


@dataclass(frozen=True, slots=True)
class Slot:
    """An attempt may be reserved; ``left`` failed attempts remain after it."""

    left: int


@dataclass(frozen=True, slots=True)
class Wait:
    """No attempt before ``until``; ``None`` when no waiting helps."""

    until: datetime | None
    why: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class AlreadyWrong:
    """This very pair was answered "wrong" and the password has not changed since: the answer still holds."""

    attempt_id: str
    at: datetime


def may_attempt(
    ledger: Sequence[Spent], policy: Policy, now: datetime, password_changed_at: datetime | None
) -> Slot | Wait | AlreadyWrong:
    """Decides whether one more attempt on the account is safe. ``ledger`` holds all attempts on it, any order."""
    wrong = _still_wrong(ledger, password_changed_at)
    if wrong:
        return AlreadyWrong(wrong.attempt_id, wrong.at)
    if any(spent.in_flight for spent in ledger):
        return Wait(
            now + timedelta(minutes=1), "Another attempt on this account is under way.", Verdict.THROTTLED
        )
    recent = [spent for spent in ledger if spent.at > now - WINDOW]
    return _locked(recent) or _unknown_pair(recent) or _within(recent, policy)


def _still_wrong(ledger: Sequence[Spent], password_changed_at: datetime | None) -> Spent | None:
    for spent in sorted(ledger, key=lambda spent: spent.at, reverse=True):
        if spent.same_pair and spent.answered_wrong:
            changed_since = password_changed_at is not None and password_changed_at > spent.at
            return None if changed_since else spent
    return None


def _locked(recent: Sequence[Spent]) -> Wait | None:
    locked = [spent.at for spent in recent if spent.verdict is Verdict.LOCKED]
    if not locked:
        return None
    return Wait(
        max(locked) + WINDOW,
        "The directory answered “locked”; the account rests for 24 hours.",
        Verdict.LOCKED,
    )


def _unknown_pair(recent: Sequence[Spent]) -> Wait | None:
    unknown = [spent.at for spent in recent if spent.same_pair and spent.failed]
    if not unknown:
        return None
    why = "This password was sent within the last 24 hours without a clear answer; it is not sent again so soon."
    return Wait(max(unknown) + WINDOW, why, Verdict.THROTTLED)


def _within(recent: Sequence[Spent], policy: Policy) -> Slot | Wait:
    failed = sorted(spent.at for spent in recent if spent.failed)
    allowed = policy.failed_attempts_allowed
    if len(failed) < allowed:
        return Slot(allowed - len(failed) - 1)
    if allowed == 0:
        why = f"The directory locks an account after {policy.lockout_threshold} failed tries; no try is safe."
        return Wait(None, why, Verdict.THROTTLED)
    until = failed[len(failed) - allowed] + WINDOW
    why = f"{len(failed)} of {allowed} failed attempts of 24 hours are used up for this account."
    return Wait(until, why, Verdict.THROTTLED)
