from __future__ import annotations

import pytest

from emberwatch.ingestion.counts import ImportCounts

WHOLE = ImportCounts(read=10, foreign=5, matched_new=2, duplicate=1, rejected=2)


def test_matched_is_new_and_known() -> None:
    assert WHOLE.matched == 3
    assert WHOLE.adds_up()


@pytest.mark.parametrize(
    "counts",
    [
        ImportCounts(read=11, foreign=5, matched_new=2, duplicate=1, rejected=2),
        ImportCounts(read=10, foreign=6, matched_new=2, duplicate=1, rejected=2),
        ImportCounts(read=10, foreign=8, matched_new=2, duplicate=-2, rejected=2),
    ],
)
def test_counts_that_do_not_add_up_say_so(counts: ImportCounts) -> None:
    assert not counts.adds_up()


def test_parts_add_to_a_whole() -> None:
    total = WHOLE + ImportCounts(read=1, rejected=1) + ImportCounts()
    assert total == ImportCounts(read=11, foreign=5, matched_new=2, duplicate=1, rejected=3)
    assert total.adds_up()


def test_they_survive_storage() -> None:
    assert ImportCounts.from_dict(WHOLE.to_dict()) == WHOLE
    assert ImportCounts.from_dict({"read": 1, "foreign": 1, "unknown_to_us": 7}) == ImportCounts(
        read=1, foreign=1
    )
