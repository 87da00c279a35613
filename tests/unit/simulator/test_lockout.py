from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.simulator.lockout import (
    NOISE,
    LockoutPolicy,
    LockoutState,
    lock_now,
    record_right,
    record_wrong,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
POLICY = LockoutPolicy(threshold=5)


def wrong(state: LockoutState, *tries: int, policy: LockoutPolicy = POLICY, by: str = "us") -> LockoutState:
    for number in tries:
        state = record_wrong(state, policy, bytes([number % 256]), by=by, now=NOW)
    return state


@pytest.mark.parametrize(
    ("tries", "failures"),
    [
        ((1,), 1),
        ((1, 1, 1, 1, 1, 1, 1), 1),
        ((1, 2, 3, 1, 2, 3), 3),
        ((1, 2, 3, 4), 4),
        # The first is forgotten after three others, so that it counts again.
        ((1, 2, 3, 4, 1), 5),
    ],
)
def test_the_last_three_wrong_hashes_do_not_count_again(tries: tuple[int, ...], failures: int) -> None:
    assert wrong(LockoutState(), *tries).failures == failures


def test_without_memory_every_wrong_try_counts() -> None:
    forgetful = LockoutPolicy(threshold=5, remembers=False)
    assert wrong(LockoutState(), 1, 1, 1, 1, policy=forgetful).failures == 4
    assert wrong(LockoutState(), 1, 1, 1, 1, 1, policy=forgetful).is_locked(NOW)


def test_the_threshold_locks_and_names_who_failed() -> None:
    state = wrong(LockoutState(), 1, 2, by=NOISE)
    assert not wrong(state, 3, 4).is_locked(NOW)
    locked = wrong(state, 3, 4, 5)
    assert locked.lock is not None
    assert locked.lock.caused_by == (NOISE, "us")
    assert locked.lock.triggered_by == "us"
    assert locked.lock.until - locked.lock.at == timedelta(seconds=60)


def test_each_counted_failure_after_a_lock_locks_again_for_longer() -> None:
    state, now = wrong(LockoutState(), 1, 2, 3, 4, 5), NOW
    lengths = []
    for number in range(6, 10):
        assert state.lock is not None
        lengths.append((state.lock.until - state.lock.at).total_seconds())
        now = state.lock.until
        assert not state.is_locked(now)
        state = record_wrong(state, POLICY, bytes([number]), by="us", now=now)
        assert state.is_locked(now)
    assert lengths == [60, 120, 240, 480]


def test_while_locked_nothing_changes_and_a_right_password_later_resets() -> None:
    locked = wrong(LockoutState(), 1, 2, 3, 4, 5)
    assert wrong(locked, 6) is locked
    assert record_right(locked, NOW) is locked
    assert record_right(locked, NOW + timedelta(seconds=60)) == LockoutState()


def test_an_account_can_be_locked_by_others_from_the_start() -> None:
    state = lock_now(LockoutState(), seconds=300, by=NOISE, now=NOW)
    assert state.is_locked(NOW + timedelta(seconds=299))
    assert not state.is_locked(NOW + timedelta(seconds=300))


@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(0, 2), max_size=60),
)
def test_repeats_of_the_last_three_never_lock(passwords: list[int], order: list[int]) -> None:
    tries = [passwords[index % len(passwords)] for index in order]
    assert not wrong(LockoutState(), *tries, policy=LockoutPolicy(threshold=4)).is_locked(NOW)


@given(st.integers(1, 30), st.integers(0, 60))
def test_distinct_wrong_passwords_lock_exactly_from_the_threshold_on(threshold: int, tries: int) -> None:
    state = wrong(LockoutState(), *range(tries), policy=LockoutPolicy(threshold=threshold))
    assert state.is_locked(NOW) == (tries >= threshold)


@given(st.lists(st.integers(0, 255), max_size=40), st.integers(1, 20))
def test_fewer_tries_than_the_threshold_never_lock(tries: list[int], threshold: int) -> None:
    few = tries[: threshold - 1]
    assert not wrong(LockoutState(), *few, policy=LockoutPolicy(threshold=threshold)).is_locked(NOW)
