"""The order in which candidates are tried: each fact moves a candidate in the stated direction."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.exposures.models import SourceKind
from emberwatch.validation.likelihood import BASE, Candidate, likelihood

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ULP = Candidate(SourceKind.ULP, NOW - timedelta(days=100), 1, at_sign_in_page=False)


@pytest.mark.parametrize(
    ("likelier", "than"),
    [
        ({"source_kind": SourceKind.STEALER_LOG}, {}),
        ({}, {"source_kind": SourceKind.COMBO_LIST}),
        ({"leaked_at": NOW}, {}),
        ({}, {"leaked_at": NOW - timedelta(days=400)}),
        ({}, {"leaked_at": None}),
        ({"sightings": 3}, {}),
        ({"at_sign_in_page": True}, {}),
        ({"detected": True}, {}),
    ],
)
def test_what_makes_a_candidate_likelier(likelier: dict[str, object], than: dict[str, object]) -> None:
    first = dataclasses.replace(ULP, **likelier)  # type: ignore[arg-type]
    second = dataclasses.replace(ULP, **than)  # type: ignore[arg-type]
    assert likelihood(first, NOW) > likelihood(second, NOW)


def test_every_kind_of_source_has_its_place() -> None:
    assert set(BASE) == set(SourceKind)


@given(
    st.sampled_from(list(SourceKind)),
    st.none() | st.integers(-5000, 20000),
    st.integers(0, 10**6),
    st.booleans(),
    st.booleans(),
)
def test_it_stays_between_nought_and_one(
    kind: str, days: int | None, sightings: int, at_page: bool, detected: bool
) -> None:
    leaked_at = None if days is None else NOW - timedelta(days=days)
    assert 0 < likelihood(Candidate(kind, leaked_at, sightings, at_page, detected), NOW) < 1
