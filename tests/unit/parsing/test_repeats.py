from __future__ import annotations

from dataclasses import replace

import pytest

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import Flag, ParsedCredential
from emberwatch.parsing.repeats import Repeats

ONE = ParsedCredential(login="u@contoso.example", secret=Secret("pw"), url="https://a.test/", line=1)


def test_the_second_appearance_is_flagged_and_every_later_one() -> None:
    repeats = Repeats()
    assert repeats.mark(ONE, "m").flags == ()
    assert repeats.mark(replace(ONE, line=9, login="U@Contoso.example", application="x"), "m").flags == (
        Flag.REPEATED,
    )
    assert repeats.mark(replace(ONE, flags=(Flag.BLANK_EDGE,)), "m").flags == (Flag.BLANK_EDGE, Flag.REPEATED)


@pytest.mark.parametrize(
    ("other", "machine"),
    [
        (ONE, "another machine"),
        (replace(ONE, login="v@contoso.example"), "m"),
        (replace(ONE, secret=Secret("PW")), "m"),
        (replace(ONE, url="https://b.test/"), "m"),
        (replace(ONE, salt=Secret("s")), "m"),
        (replace(ONE, login="u@contoso.examplepw", secret=Secret("")), "m"),
    ],
)
def test_what_differs_is_no_repetition(other: ParsedCredential, machine: str) -> None:
    repeats = Repeats()
    repeats.mark(ONE, "m")
    assert repeats.mark(other, machine).flags == ()
