"""Which date of a leak is the best one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emberwatch.exposures.models import DateBasis
from emberwatch.exposures.policy import best_date, worse_than

DAYS = {number: datetime(2026, 1, number, tzinfo=UTC) for number in range(1, 5)}


@pytest.mark.parametrize(
    ("infected", "breached", "stated", "day", "basis"),
    [
        (1, 2, 3, 1, "infection"),
        (None, 2, 3, 2, "breach"),
        (None, None, 3, 3, "stated"),
        (None, None, None, 4, "first_seen"),
        (3, 1, 2, 3, "infection"),
    ],
)
def test_the_most_trusted_kind_of_date_wins(
    infected: int | None, breached: int | None, stated: int | None, day: int, basis: str
) -> None:
    found = best_date(
        infected=DAYS[infected] if infected else None,
        breached=DAYS[breached] if breached else None,
        stated=DAYS[stated] if stated else None,
        first_seen=DAYS[4],
    )
    assert (found.at, found.basis) == (DAYS[day], basis)


def test_a_better_kind_replaces_the_kinds_below_it() -> None:
    assert worse_than(DateBasis.BREACH) == [DateBasis.STATED, DateBasis.FIRST_SEEN]
    assert worse_than(DateBasis.FIRST_SEEN) == []
