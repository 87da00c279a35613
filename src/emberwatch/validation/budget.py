"""The lockout budget. Pure: the ledger of one account in, a slot or a refusal out.

An account is a directory and an object id, across all tenants and workers. Failed attempts, and those whose
outcome is unknown, are counted over 24 hours. Source of the limits: Microsoft's page on smart lockout.

Microsoft does not publish whether the counter of failed tries ever forgets. So there is a second bound, over
any time: as long as nothing shows that the counter began anew (a right answer, a changed password), our own
failed attempts stay below the number that locks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from emberwatch.core.verdict import Verdict, VerdictGroup

WINDOW: Final = timedelta(hours=24)
# The window is the directory's, the times in the ledger are ours: our clock may be set right in between.
CLOCK_DOUBT: Final = timedelta(minutes=15)
RESTS_FOR: Final = WINDOW + CLOCK_DOUBT
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
    password_changed_at: datetime | None = None
    """When the account's password had last been changed, as read right before this attempt."""
    directory_at: datetime | None = None
    """The directory's own time of its answer: what it says about changes is comparable with that alone."""

    @property
    def answered_right(self) -> bool:
        return self.verdict is not None and self.verdict.group is VerdictGroup.ACTIVE


@dataclass(frozen=True, slots=True)
class Policy:
    """``cloud_limit``: 1 in US Government clouds, else 2. ``single_try``: pass-through or unknown hybrid.

    ``tightened_to``: an operator's lower number; a higher one changes nothing.
    """

    lockout_threshold: int
    cloud_limit: int
    single_try: bool
    tightened_to: int | None = None

    @property
    def failed_attempts_allowed(self) -> int:
        """Per account and :data:`WINDOW`."""
        rule = self._by_rule()
        return rule if self.tightened_to is None else min(rule, self.tightened_to)

    @property
    def failed_attempts_in_a_row(self) -> int:
        """Over any time, until something shows that the directory's counter began anew."""
        return self.lockout_threshold - 1

    def _by_rule(self) -> int:
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
    ledger: Sequence[Spent],
    policy: Policy,
    now: datetime,
    password_changed_at: datetime | None,
    *,
    failed_by_others: Sequence[datetime] = (),
    keep_free: int = 0,
) -> Slot | Wait | AlreadyWrong:
    """Decides whether one more attempt on the account is safe.

    ``ledger`` holds all attempts on it, in any order; ``failed_by_others`` the failures that the directory's own
    log shows beside ours. ``keep_free`` slots are left to whatever is more urgent.
    """
    wrong = _still_wrong(ledger, password_changed_at)
    if wrong:
        return AlreadyWrong(wrong.attempt_id, wrong.at)
    if any(spent.in_flight for spent in ledger):
        return Wait(
            now + timedelta(minutes=1), "Another attempt on this account is under way.", Verdict.THROTTLED
        )
    recent = [spent for spent in ledger if spent.at > now - RESTS_FOR]
    return (
        _in_a_row(ledger, policy, password_changed_at)
        or _locked(recent)
        or _unknown_pair(recent)
        or _within(recent, policy, [at for at in failed_by_others if at > now - RESTS_FOR], keep_free)
    )


def _still_wrong(ledger: Sequence[Spent], password_changed_at: datetime | None) -> Spent | None:
    for spent in sorted(ledger, key=lambda spent: spent.at, reverse=True):
        if spent.same_pair and spent.answered_wrong:
            return None if _changed_since(spent, password_changed_at) else spent
    return None


def _changed_since(spent: Spent, password_changed_at: datetime | None) -> bool:
    """Whether the password was changed after the attempt; a date that was known before it proves no change."""
    if password_changed_at is None:
        return False
    known = spent.password_changed_at
    if known is None:
        return password_changed_at >= (spent.directory_at or spent.at)
    # Without the directory's own time there is only ours, which may be minutes ahead of a change that came after.
    return password_changed_at > known and password_changed_at >= (
        spent.directory_at or spent.at - CLOCK_DOUBT
    )


def _locked(recent: Sequence[Spent]) -> Wait | None:
    locked = [spent.at for spent in recent if spent.verdict is Verdict.LOCKED]
    if not locked:
        return None
    return Wait(
        max(locked) + RESTS_FOR,
        "The directory answered “locked”; the account rests for 24 hours.",
        Verdict.LOCKED,
    )


def _unknown_pair(recent: Sequence[Spent]) -> Wait | None:
    unknown = [spent.at for spent in recent if spent.same_pair and spent.failed and not spent.answered_wrong]
    if not unknown:
        return None
    why = "This password was sent within the last 24 hours without a clear answer; it is not sent again so soon."
    return Wait(max(unknown) + RESTS_FOR, why, Verdict.THROTTLED)


def _in_a_row(ledger: Sequence[Spent], policy: Policy, password_changed_at: datetime | None) -> Wait | None:
    failed = 0
    for spent in sorted(ledger, key=lambda spent: spent.at, reverse=True):
        if spent.answered_right or _changed_since(spent, password_changed_at):
            break
        failed += spent.failed
    if failed == 0 or failed < policy.failed_attempts_in_a_row:
        return None
    why = (
        f"{failed} attempts in a row have failed on this account, and {policy.lockout_threshold} lock it. Nothing "
        "shows that the directory's count began anew, so nothing more is sent until its password is changed."
    )
    return Wait(None, why, Verdict.THROTTLED)


def _within(
    recent: Sequence[Spent], policy: Policy, failed_by_others: Sequence[datetime], keep_free: int
) -> Slot | Wait:
    failed = sorted([*(spent.at for spent in recent if spent.failed), *failed_by_others])
    allowed = policy.failed_attempts_allowed
    open_to_us = max(allowed - keep_free, min(allowed, 1))
    if len(failed) < open_to_us:
        return Slot(allowed - len(failed) - 1)
    if allowed == 0:
        return Wait(None, _no_try_is_safe(policy), Verdict.THROTTLED)
    until = failed[len(failed) - open_to_us] + RESTS_FOR
    others = f", {len(failed_by_others)} of them made by others" if failed_by_others else ""
    why = f"{len(failed)} of {allowed} failed attempts of 24 hours are used up for this account{others}."
    return Wait(until, why, Verdict.THROTTLED)


def _no_try_is_safe(policy: Policy) -> str:
    if policy.tightened_to == 0:
        return "The operator allows no failed attempt on accounts of this directory, so none is sent."
    return f"The directory locks an account after {policy.lockout_threshold} failed tries; no try is safe."


@dataclass(frozen=True, slots=True)
class Remaining:
    """What an account's budget holds at a moment: for the ledger's reader."""

    allowed: int
    failed: int
    failed_by_others: int
    next_slot_at: datetime | None
    """``None``: now, or never when ``allowed`` is nought or too many failed in a row."""
    why: str

    @property
    def left(self) -> int:
        return 0 if self.why else max(0, self.allowed - self.failed - self.failed_by_others)


def remaining(
    ledger: Sequence[Spent],
    policy: Policy,
    now: datetime,
    password_changed_at: datetime | None,
    failed_by_others: Sequence[datetime] = (),
) -> Remaining:
    """The budget as it would answer for a password that was never tried on the account."""
    others = [at for at in failed_by_others if at > now - RESTS_FOR]
    fresh = [replace(spent, same_pair=False) for spent in ledger]
    answer = may_attempt(fresh, policy, now, password_changed_at, failed_by_others=others)
    failed = sum(1 for spent in ledger if spent.failed and spent.at > now - RESTS_FOR)
    waiting = answer if isinstance(answer, Wait) else None
    return Remaining(
        allowed=policy.failed_attempts_allowed,
        failed=failed,
        failed_by_others=len(others),
        next_slot_at=waiting.until if waiting else None,
        why=waiting.why if waiting else "",
    )
