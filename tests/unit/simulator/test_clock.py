from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from emberwatch.simulator import SimClock

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_a_frozen_clock_moves_only_when_told() -> None:
    clock = SimClock(START, frozen=True)
    assert clock() == clock() == START
    assert clock.advance(90) == START + timedelta(seconds=90)
    assert clock.set(START) == START


def test_a_running_clock_keeps_its_distance_from_the_real_one() -> None:
    real = [START]
    clock = SimClock(START + timedelta(days=1), source=lambda: real[0])
    real[0] += timedelta(seconds=5)
    assert clock() == START + timedelta(days=1, seconds=5)
    assert clock.advance(-86400) == START + timedelta(seconds=5)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        SimClock().set(datetime(2026, 5, 4))  # noqa: DTZ001 — that is the point
