"""Smart lockout as a pure function: state in, state out, the time passed in.

A directory counts wrong passwords per account. The last three wrong hashes are remembered, and trying one
of them again does not count; pass-through accounts have no such memory. At the threshold the account locks
for the first duration; every counted failure after a lock locks again, each time for longer (the real rate
is not published: here it doubles). A right password starts the count anew. There is one counter: the real
service keeps a second one for familiar places, which only ever helps the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

NOISE: Final = "noise"
"""Who failed, when it was not an app of the scenario."""
_REMEMBERED: Final = 3
_LONGEST: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    threshold: int = 10
    first_lock: timedelta = timedelta(seconds=60)
    remembers: bool = True
    """False for pass-through accounts: every wrong try counts."""


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock: the clients whose failures led to it, and the one whose failure set it off."""

    at: datetime
    until: datetime
    caused_by: tuple[str, ...]
    triggered_by: str


@dataclass(frozen=True, slots=True)
class LockoutState:
    failures: int = 0
    recent: tuple[bytes, ...] = ()
    blamed: tuple[str, ...] = ()
    """Who made the failures now on the counter, each once, the latest last."""
    locks_in_a_row: int = 0
    lock: Lock | None = None

    def is_locked(self, now: datetime) -> bool:
        return self.lock is not None and now < self.lock.until


def record_wrong(
    state: LockoutState, policy: LockoutPolicy, password_hash: bytes, *, by: str, now: datetime
) -> LockoutState:
    """The state after a wrong password; while the account is locked nothing changes."""
    if state.is_locked(now) or (policy.remembers and password_hash in state.recent):
        return state
    counted = replace(
        state,
        failures=state.failures + 1,
        recent=(*state.recent, password_hash)[-_REMEMBERED:],
        blamed=(*(name for name in state.blamed if name != by), by),
    )
    return _locked(counted, policy, now) if counted.failures >= policy.threshold else counted


def record_right(state: LockoutState, now: datetime) -> LockoutState:
    """The state after a right password; while the account is locked nothing changes."""
    return state if state.is_locked(now) else LockoutState()


def lock_now(state: LockoutState, *, seconds: float, by: str, now: datetime) -> LockoutState:
    """The state of an account that somebody else has locked already."""
    lock = Lock(now, now + timedelta(seconds=seconds), (by,), by)
    return replace(state, lock=lock, locks_in_a_row=state.locks_in_a_row + 1)


def _locked(state: LockoutState, policy: LockoutPolicy, now: datetime) -> LockoutState:
    # The exponent is bounded so that a long noise run cannot overflow the duration.
    duration = min(policy.first_lock * 2 ** min(state.locks_in_a_row, 20), _LONGEST)
    lock = Lock(now, now + duration, state.blamed, state.blamed[-1])
    return replace(state, lock=lock, locks_in_a_row=state.locks_in_a_row + 1)
