"""What operators choose, as tables of cases."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.validation.policy import (
    REVALIDATE_AFTER,
    Hours,
    Limits,
    check_zone,
    may_confirm,
    strictest,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = Hours(time(8), time(18), "Europe/Amsterdam")
NIGHT = Hours(time(22), time(6))


@pytest.mark.parametrize(
    ("hours", "now", "opens"),
    [
        (OFFICE, "2026-06-01T06:00", "2026-06-01T06:00"),
        (OFFICE, "2026-06-01T05:59", "2026-06-01T06:00"),
        (OFFICE, "2026-06-01T16:00", "2026-06-02T06:00"),
        (OFFICE, "2026-01-12T07:30", "2026-01-12T07:30"),
        (OFFICE, "2026-01-12T06:30", "2026-01-12T07:00"),
        (NIGHT, "2026-06-01T23:00", "2026-06-01T23:00"),
        (NIGHT, "2026-06-01T05:00", "2026-06-01T05:00"),
        (NIGHT, "2026-06-01T12:00", "2026-06-01T22:00"),
        (Hours(time(0), time(0)), "2026-06-01T12:00", "2026-06-01T12:00"),
    ],
)
def test_hours(hours: Hours, now: str, opens: str) -> None:
    assert hours.next_open(at(now)) == at(opens)


def test_a_time_zone_is_one_of_the_database() -> None:
    assert check_zone("Asia/Tokyo") == "Asia/Tokyo"
    for name in ("", "Nowhere/Land", "../../etc/passwd", "x" * 300):
        with pytest.raises(BadInput):
            check_zone(name)


@pytest.mark.parametrize(
    ("limits", "together"),
    [
        ([], Limits(None, 1.0)),
        ([Limits(None, 5.0), Limits(1, 9.0)], Limits(1, 5.0)),
        ([Limits(2, 0.5), Limits(0, 2.0)], Limits(0, 0.5)),
    ],
)
def test_the_strictest_choice_of_all_counts(limits: list[Limits], together: Limits) -> None:
    assert strictest(limits) == together


def test_every_verdict_has_an_interval_and_only_likely_ones_are_confirmed() -> None:
    assert set(REVALIDATE_AFTER) == set(Verdict)
    assert may_confirm(Verdict.SUPERSEDED, Certainty.LIKELY)
    assert not may_confirm(Verdict.SUPERSEDED, Certainty.PROVED)
    assert not may_confirm(Verdict.ACCOUNT_NOT_FOUND, Certainty.LIKELY)
