"""The pre-check: never a miss, and no hint costs another one's find."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.prefilter import prefilter

FEW_LETTERS = st.text("ab.", min_size=1, max_size=40).map(str.encode)


def test_without_hints_every_line_may_be_ours() -> None:
    assert prefilter(())(b"")


@pytest.mark.parametrize(
    "line", [b"u@contoso.example:pw", b"U@CONTOSO.Example:pw", b"\xff u@contoso.example"]
)
def test_case_and_other_bytes_do_not_matter(line: bytes) -> None:
    may_be_ours = prefilter((b"@contoso.example", b"@a.test"))
    assert may_be_ours(line)
    assert not may_be_ours(line.replace(b"@", b"#"))


def test_signs_in_a_hint_stand_for_themselves() -> None:
    assert prefilter((b"a.b",))(b"xa.bx")
    assert not prefilter((b"a.b",))(b"xa-bx")


def test_only_the_beginning_of_a_long_hint_is_looked_for() -> None:
    long = b"a" * 250
    assert prefilter((long + b"b", long + b"c"))(long + b"c")
    assert not prefilter((long,))(b"a" * 23)


@given(st.lists(FEW_LETTERS, min_size=1, max_size=30), st.binary(max_size=10), st.data())
def test_a_line_with_a_hint_is_never_missed(hints: list[bytes], around: bytes, data: st.DataObject) -> None:
    hint = data.draw(st.sampled_from(hints))
    assert prefilter(tuple(hints))(around + hint.upper() + around)


@given(st.lists(FEW_LETTERS.filter(lambda hint: len(hint) < 20), min_size=1, max_size=30), FEW_LETTERS)
def test_short_hints_are_told_exactly(hints: list[bytes], line: bytes) -> None:
    assert prefilter(tuple(hints))(line) == any(hint in line for hint in hints)


def test_thousands_of_hints_that_begin_alike_are_no_burden() -> None:
    hints = tuple(b"@" + b"a" * (i % 200) + b"%d.example" % i for i in range(5_000))
    assert prefilter(hints)(b"u" + hints[-1])
