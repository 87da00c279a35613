"""What is told, when, and how often it is tried: tables of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from emberwatch.alerts.policy import (
    APART,
    GATHER_FOR,
    GIVE_UP_AFTER,
    Choice,
    Fact,
    Happening,
    Turn,
    chooses,
    next_digest,
    next_try,
    tell_at,
    turning_point,
)
from emberwatch.core.verdict import VerdictGroup

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
A, N, C, U = (
    VerdictGroup.ACTIVE,
    VerdictGroup.NOT_ACTIVE,
    VerdictGroup.CANNOT_TELL,
    VerdictGroup.NOT_VALIDATED,
)


def happening(fact: Fact = Fact.ACTIVE, severity: str = "high", source: str = "ulp") -> Happening:
    return Happening(fact, "key", NOON, severity, source)


@pytest.mark.parametrize(
    ("choice", "what", "told"),
    [
        (Choice([Fact.ACTIVE]), happening(), True),
        (Choice([Fact.NOT_ACTIVE]), happening(), False),
        (Choice([Fact.ACTIVE], "high"), happening(), True),
        (Choice([Fact.ACTIVE], "critical"), happening(), False),
        (Choice([Fact.NOT_ACTIVE], "critical"), happening(Fact.NOT_ACTIVE, "low"), True),
        (Choice([Fact.DRIFTED], "critical"), happening(Fact.DRIFTED, "high", ""), True),
        (Choice([Fact.ACTIVE], source_kinds=["ulp"]), happening(), True),
        (Choice([Fact.ACTIVE], source_kinds=["breach"]), happening(), False),
        (
            Choice([Fact.DIRECTORY_STOPPED], source_kinds=["breach"]),
            happening(Fact.DIRECTORY_STOPPED, source=""),
            True,
        ),
        (Choice([Fact.ACTIVE], since=NOON), happening(), True),
        (Choice([Fact.ACTIVE], since=NOON + timedelta(seconds=1)), happening(), False),
    ],
)
def test_a_rule_chooses(choice: Choice, what: Happening, told: bool) -> None:
    assert chooses(choice, what) is told


@pytest.mark.parametrize(
    ("groups", "fact", "place"),
    [
        ([], None, 0),
        ([U], None, 0),
        ([C, C], None, 0),
        ([A], Fact.ACTIVE, 0),
        ([A, A, A], Fact.ACTIVE, 2),
        ([C, A, C, A, N, A], Fact.ACTIVE, 3),
        ([N, A, A], Fact.NOT_ACTIVE, 0),
    ],
)
def test_the_turning_point(groups: list[VerdictGroup], fact: Fact | None, place: int) -> None:
    turns = [Turn(uuid4(), group, NOON - timedelta(minutes=at)) for at, group in enumerate(groups)]
    assert turning_point(turns) == ((fact, turns[place]) if fact else None)


def test_a_rule_tells_soon_and_then_apart() -> None:
    assert tell_at(NOON, None) == NOON + GATHER_FOR
    assert tell_at(NOON, NOON - timedelta(seconds=1)) == NOON - timedelta(seconds=1) + APART
    assert tell_at(NOON, NOON - APART) == NOON + GATHER_FOR


@pytest.mark.parametrize(
    ("cadence", "hour", "zone", "now", "expected"),
    [
        ("immediate", 8, "UTC", NOON, None),
        ("hourly", 8, "UTC", NOON, NOON + timedelta(hours=1)),
        ("hourly", 8, "UTC", NOON + timedelta(minutes=59), NOON + timedelta(hours=1)),
        ("daily", 8, "UTC", NOON, datetime(2026, 6, 2, 8, tzinfo=UTC)),
        ("daily", 16, "Europe/Amsterdam", NOON, datetime(2026, 6, 1, 14, tzinfo=UTC)),
        ("daily", 14, "Europe/Amsterdam", NOON, datetime(2026, 6, 2, 12, tzinfo=UTC)),
        # The clock on the wall moves in these nights.
        (
            "daily",
            8,
            "Europe/Amsterdam",
            datetime(2026, 3, 28, 8, tzinfo=UTC),
            datetime(2026, 3, 29, 6, tzinfo=UTC),
        ),
        (
            "daily",
            8,
            "Europe/Amsterdam",
            datetime(2026, 10, 24, 8, tzinfo=UTC),
            datetime(2026, 10, 25, 7, tzinfo=UTC),
        ),
        ("daily", 0, "Pacific/Kiritimati", NOON, datetime(2026, 6, 2, 10, tzinfo=UTC)),
    ],
)
def test_the_next_digest(
    cadence: str, hour: int, zone: str, now: datetime, expected: datetime | None
) -> None:
    assert next_digest(cadence, hour, zone, now) == expected


def test_pauses_grow_to_an_hour_and_end_after_a_day() -> None:
    now, pauses = NOON, []
    attempts = 0
    while True:
        attempts += 1
        at = next_try(attempts, None, NOON, now)
        if at is None:
            break
        pauses.append((at - now).total_seconds())
        now = at
    assert pauses[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert set(pauses[8:]) == {3600}
    assert now - NOON <= GIVE_UP_AFTER < now - NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 30), (10.0, 30), (600.0, 600), (10_000_000.0, 6 * 3600)]
)
def test_a_wait_that_is_asked_for_is_kept_within_reason(asked: float | None, seconds: float) -> None:
    assert next_try(1, asked, NOON, NOON) == NOON + timedelta(seconds=seconds)
