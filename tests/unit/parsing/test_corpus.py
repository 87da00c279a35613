"""Every dialect of the corpus, in every encoding: nothing missed, nothing made up, every password to the character."""

from __future__ import annotations

import random

import pytest

from emberwatch.parsing.registry import PARSERS, choose
from tests.corpus.dialects import DIALECTS, Dialect
from tests.corpus.generator import ENCODINGS, leak_file
from tests.corpus.people import People
from tests.corpus.score import Score, read, score

ENTRIES = 12
RECALL, PRECISION, EXACT = 0.995, 0.999, 0.999


def read_all(dialect: Dialect) -> Score:
    total = Score()
    people = People(random.Random(dialect.name))
    for encoding in ENCODINGS:
        leak = leak_file(dialect, encoding, people, ENTRIES)
        total.add(score(leak, read(leak)))
    return total


def test_there_are_enough_dialects_and_every_parser_has_one() -> None:
    assert len({dialect.name for dialect in DIALECTS}) >= 15
    people = People(random.Random(1))
    chosen = {choose(leak_file(d, "plain", people, 40).data, d.file_name).name for d in DIALECTS}
    assert chosen == {parser.name for parser in PARSERS} - {"filezilla"}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_dialect_is_read_exactly(dialect: Dialect) -> None:
    found = read_all(dialect)
    assert found.true > ENTRIES
    figures = (found.recall, found.precision, found.exactness, found.url_exactness)
    assert figures >= (RECALL, PRECISION, EXACT, EXACT) and min(figures) >= RECALL, found.mistakes[:3]


def test_the_score_sees_each_sort_of_mistake() -> None:
    """The measure itself: a file read by the wrong truth is neither complete nor exact."""
    people = People(random.Random(2))
    dialect = next(d for d in DIALECTS if d.name == "ulp/colon")
    leak, other = (leak_file(dialect, "plain", people, 50) for _ in range(2))
    strange = score(leak, read(other))
    assert (strange.recall, strange.precision) == (0.0, 0.0)
    credentials = list(read(leak))
    assert score(leak, credentials[1:]).recall < 1
    assert score(leak, [*credentials, credentials[0]]).precision < 1
