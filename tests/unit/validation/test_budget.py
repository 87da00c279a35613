"""The lockout budget as tables of cases, and as properties over random ledgers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.core.verdict import Verdict
from emberwatch.validation.budget import (
    CLOCK_DOUBT,
    RESTS_FOR,
    AlreadyWrong,
    Policy,
    Slot,
    Spent,
    Wait,
    may_attempt,
    remaining,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def spent(hours_ago: float, verdict: Verdict | None = Verdict.INACTIVE, **changes: object) -> Spent:
    fields: dict[str, object] = {
        "attempt_id": f"a{hours_ago}",
        "at": NOW - hours_ago * HOUR,
        "in_flight": False,
        "failed": True,
        "verdict": verdict,
        "same_pair": False,
        "answered_wrong": verdict is Verdict.INACTIVE,
    }
    return Spent(**(fields | changes))  # type: ignore[arg-type]


def policy(
    threshold: int = 10, cloud_limit: int = 2, single_try: bool = False, tightened_to: int | None = None
) -> Policy:
    return Policy(threshold, cloud_limit, single_try, tightened_to)


@pytest.mark.parametrize(
    ("given_policy", "allowed"),
    [
        (policy(10), 2),
        (policy(50), 2),
        (policy(8), 2),
        (policy(7), 1),
        (policy(4), 1),
        (policy(3), 0),
        (policy(1), 0),
        (policy(3, cloud_limit=1), 1),
        (policy(10, cloud_limit=1), 1),
        (policy(10, single_try=True), 1),
        (policy(1, single_try=True), 0),
        (policy(10, tightened_to=1), 1),
        (policy(10, tightened_to=0), 0),
        (policy(10, tightened_to=9), 2),
    ],
)
def test_how_many_failed_attempts_a_policy_allows(given_policy: Policy, allowed: int) -> None:
    assert given_policy.failed_attempts_allowed == allowed


def test_an_empty_ledger_has_a_slot() -> None:
    assert may_attempt([], policy(), NOW, None) == Slot(1)


def test_unknown_outcomes_count_and_right_answers_do_not() -> None:
    unknown = spent(1, None)
    right = spent(2, Verdict.ACTIVE_CHALLENGED, failed=False)
    assert may_attempt([unknown, right], policy(), NOW, None) == Slot(0)
    assert isinstance(may_attempt([unknown, spent(2)], policy(), NOW, None), Wait)


def test_the_next_slot_opens_when_enough_of_the_window_has_passed() -> None:
    ledger = [spent(20), spent(3)]
    answer = may_attempt(ledger, policy(), NOW, None)
    assert isinstance(answer, Wait)
    assert answer.until == NOW + 4 * HOUR + CLOCK_DOUBT
    assert may_attempt(ledger, policy(), NOW + 4 * HOUR + CLOCK_DOUBT, None) == Slot(0)


def test_a_policy_that_allows_nothing_says_that_waiting_does_not_help() -> None:
    answer = may_attempt([], policy(2), NOW, None)
    assert isinstance(answer, Wait)
    assert answer.until is None


def test_locked_rests_the_account_for_a_day_and_outranks_the_budget() -> None:
    answer = may_attempt([spent(1, Verdict.LOCKED)], policy(), NOW, None)
    assert isinstance(answer, Wait)
    assert (answer.verdict, answer.until) == (Verdict.LOCKED, NOW + 23 * HOUR + CLOCK_DOUBT)


def test_one_attempt_in_flight_blocks_the_account() -> None:
    assert isinstance(may_attempt([spent(0.01, None, in_flight=True)], policy(), NOW, None), Wait)
    assert isinstance(may_attempt([spent(0.01, None)], policy(), NOW, None), Slot)


def test_a_wrong_pair_stays_wrong_until_the_password_changes() -> None:
    ledger = [spent(24 * 400, same_pair=True)]
    assert isinstance(may_attempt(ledger, policy(), NOW, None), AlreadyWrong)
    assert isinstance(may_attempt(ledger, policy(), NOW, NOW - 24 * 401 * HOUR), AlreadyWrong)
    assert may_attempt(ledger, policy(), NOW, NOW - 24 * 399 * HOUR) == Slot(1)


def test_a_pair_without_a_clear_answer_rests_for_a_day() -> None:
    ledger = [spent(3, None, same_pair=True)]
    assert isinstance(may_attempt(ledger, policy(), NOW, None), Wait)
    assert may_attempt(ledger, policy(), NOW + 21 * HOUR + CLOCK_DOUBT, None) == Slot(1)


LEDGERS = st.lists(
    st.builds(
        spent,
        st.floats(0, 72, allow_nan=False),
        st.sampled_from([None, Verdict.INACTIVE, Verdict.INCONCLUSIVE, Verdict.LOCKED, Verdict.ACTIVE]),
        same_pair=st.booleans(),
    ),
    max_size=8,
)


@given(LEDGERS, st.integers(1, 60), st.sampled_from([1, 2]), st.booleans())
def test_a_slot_never_takes_the_window_over_what_is_safe(
    ledger: list[Spent], threshold: int, cloud_limit: int, single: bool
) -> None:
    answer = may_attempt(ledger, policy(threshold, cloud_limit, single), NOW, None)
    if isinstance(answer, Slot):
        failed = sum(1 for entry in ledger if entry.failed and entry.at > NOW - RESTS_FOR)
        assert failed + 1 <= 2
        assert failed + 1 < threshold
        assert not any(entry.same_pair and entry.answered_wrong for entry in ledger)


@given(LEDGERS, st.integers(8, 60))
def test_what_a_wait_promises_comes_true(ledger: list[Spent], threshold: int) -> None:
    answer = may_attempt(ledger, policy(threshold), NOW, None)
    if isinstance(answer, Wait) and answer.until is not None:
        later = answer.until
        seen = [may_attempt(ledger, policy(threshold), later + step * HOUR, None) for step in (0, 25, 50)]
        assert any(isinstance(outcome, Slot) for outcome in seen)


def test_failures_of_others_use_the_same_budget() -> None:
    others = [NOW - HOUR, NOW - 30 * HOUR]
    assert may_attempt([], policy(), NOW, None, failed_by_others=others) == Slot(0)
    answer = may_attempt([spent(2)], policy(), NOW, None, failed_by_others=others)
    assert isinstance(answer, Wait)
    assert answer.until == NOW - 2 * HOUR + RESTS_FOR
    assert "1 of them made by others" in answer.why


def test_a_confirmation_leaves_a_slot_free_where_there_are_two() -> None:
    assert may_attempt([], policy(), NOW, None, keep_free=1) == Slot(1)
    assert isinstance(may_attempt([spent(2)], policy(), NOW, None, keep_free=1), Wait)
    assert may_attempt([], policy(single_try=True), NOW, None, keep_free=1) == Slot(0)


@pytest.mark.parametrize(("threshold", "failed"), [(10, 9), (4, 3)])
def test_failures_in_a_row_never_reach_the_threshold_however_old(threshold: int, failed: int) -> None:
    ledger = [spent(24.0 * 30 * number + 25) for number in range(failed)]
    before = may_attempt(ledger[:-1], policy(threshold), NOW, None)
    assert isinstance(before, Slot)
    answer = may_attempt(ledger, policy(threshold), NOW, None)
    assert isinstance(answer, Wait)
    assert answer.until is None


def test_a_right_answer_or_a_changed_password_begins_the_row_anew() -> None:
    row = [spent(24.0 * 30 * (number + 2)) for number in range(9)]
    right = spent(700, Verdict.ACTIVE, failed=False)
    assert isinstance(may_attempt([*row, right], policy(), NOW, None), Slot)
    assert isinstance(may_attempt(row, policy(), NOW, NOW - HOUR), Slot)
    not_sent = spent(700, Verdict.NOT_TESTABLE, failed=False)
    assert isinstance(may_attempt([*row, not_sent], policy(), NOW, None), Wait)


def test_a_date_that_was_known_before_the_attempt_is_no_change() -> None:
    """Our clock may be slow: the same date after an attempt that we dated too early allows nothing."""
    known = NOW - 2 * HOUR
    wrong = spent(3, same_pair=True, password_changed_at=known)
    assert isinstance(may_attempt([wrong], policy(), NOW, known), AlreadyWrong)
    assert isinstance(may_attempt([wrong], policy(), NOW, known + HOUR), Slot)


def test_changes_are_compared_with_the_directorys_own_time() -> None:
    """Our clock may be fast: a change after the directory's answer counts, though we dated the attempt later."""
    wrong = spent(1, same_pair=True, directory_at=NOW - 3 * HOUR)
    assert isinstance(may_attempt([wrong], policy(), NOW, NOW - 2 * HOUR), Slot)
    assert isinstance(may_attempt([wrong], policy(), NOW, NOW - 4 * HOUR), AlreadyWrong)


def test_what_remains() -> None:
    left = remaining([spent(1, same_pair=True)], policy(), NOW, None, [NOW - HOUR])
    assert (left.allowed, left.failed, left.failed_by_others, left.left) == (2, 1, 1, 0)
    assert left.next_slot_at == NOW - HOUR + RESTS_FOR
    assert remaining([], policy(), NOW, None).left == 2


def test_a_slot_opens_after_a_day_of_the_directory_whatever_our_clock_did() -> None:
    """The attempt was made while our clock went minutes behind: it looks older than it is."""
    assert isinstance(may_attempt([spent(24.1), spent(24.2)], policy(), NOW, None), Wait)
    assert isinstance(may_attempt([spent(24.3), spent(24.4)], policy(), NOW, None), Slot)


def test_a_change_right_after_an_answer_without_a_date_is_seen_by_a_clock_that_is_ahead() -> None:
    known, changed = NOW - 500 * HOUR, NOW - 48.1 * HOUR
    wrong = spent(48, same_pair=True, password_changed_at=known)
    assert isinstance(may_attempt([wrong], policy(), NOW, changed), Slot)
    assert isinstance(may_attempt([wrong], policy(), NOW, known), AlreadyWrong)
