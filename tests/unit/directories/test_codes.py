"""The table of sign-in codes, and how a reply's codes are read."""

from __future__ import annotations

import pytest

from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.entra.codes import Effect, read_codes, table


@pytest.mark.parametrize(
    ("codes", "verdict", "certainty"),
    [
        ([50126], Verdict.INACTIVE, Certainty.PROVED),
        ([50054], Verdict.INACTIVE, Certainty.PROVED),
        ([50052], Verdict.IMPOSSIBLE, Certainty.PROVED),
        ([50055], Verdict.ACTIVE_EXPIRED, Certainty.PROVED),
        ([50076], Verdict.ACTIVE_CHALLENGED, Certainty.PROVED),
        ([50079], Verdict.ACTIVE_CHALLENGED, Certainty.PROVED),
        ([50158], Verdict.ACTIVE_CHALLENGED, Certainty.PROVED),
        ([53003], Verdict.ACTIVE_CHALLENGED, Certainty.PROVED),
        ([50105], Verdict.ACTIVE, Certainty.LIKELY),
        ([50057], Verdict.ACCOUNT_DISABLED, Certainty.PROVED),
        ([50034], Verdict.ACCOUNT_NOT_FOUND, Certainty.LIKELY),
        ([50053], Verdict.LOCKED, None),
        ([50056], Verdict.NOT_TESTABLE, None),
        ([65001], Verdict.INCONCLUSIVE, None),
        ([530034], Verdict.INCONCLUSIVE, None),
        ([530035], Verdict.INCONCLUSIVE, None),
        ([50064], Verdict.INCONCLUSIVE, None),
        ([70002, 50126], Verdict.INACTIVE, Certainty.PROVED),
        ([50126, 70002], Verdict.INACTIVE, Certainty.PROVED),
        ([70002], Verdict.INCONCLUSIVE, None),
        ([50126, 50076], Verdict.INCONCLUSIVE, None),
        ([599999], Verdict.INCONCLUSIVE, None),
        ([50126, 599999], Verdict.INCONCLUSIVE, None),
        ([50126, 50053], Verdict.LOCKED, None),
        ([599999, 50053], Verdict.LOCKED, None),
        ([], Verdict.INCONCLUSIVE, None),
    ],
)
def test_reading_codes(codes: list[int], verdict: Verdict, certainty: Certainty | None) -> None:
    outcome = read_codes(codes).outcome
    assert (outcome.verdict, outcome.certainty) == (verdict, certainty)
    assert outcome.meaning


def test_unknown_codes_are_kept_for_counting() -> None:
    assert read_codes([70002, 599999]).unknown_codes == (599999,)
    assert read_codes([50053, 599999]).unknown_codes == (599999,)
    assert read_codes([50126]).unknown_codes == ()


def test_configuration_codes_stop_the_directory() -> None:
    for code in (7000215, 7000222, 700016, 90002, 65001, 7000112, 53011):
        halts = read_codes([code]).outcome.effect is Effect.HALT
        assert halts == (code != 53011)


def test_the_table_keeps_its_own_rules() -> None:
    assert len(table()) > 170
    for code, outcome in table().items():
        assert outcome.code == str(code)
        assert outcome.meaning.endswith(".")
        if outcome.verdict.group is VerdictGroup.CANNOT_TELL:
            assert outcome.certainty is None, code
        else:
            assert outcome.certainty is not None, code
        if outcome.effect is Effect.HALT:
            assert outcome.verdict is Verdict.INCONCLUSIVE, code


def test_only_documented_answers_turn_green_with_proof() -> None:
    """Every code that says "not active" with certainty, by name: a new one must be argued for here."""
    green = {
        code
        for code, o in table().items()
        if o.verdict.group is VerdictGroup.NOT_ACTIVE and o.certainty == "proved"
    }
    assert green == {50126, 50054, 50052, 50057}
