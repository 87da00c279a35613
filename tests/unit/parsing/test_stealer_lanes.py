"""Reading whole blocks at once gives what reading line by line gives, whatever the file and however it is cut."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emberwatch.matching.prefilter import prefilter_for
from emberwatch.matching.watchlist import parse_watchlist
from emberwatch.parsing.base import ANYBODY, Foreign, Noise, Outcome, ParseContext, ParsedCredential
from emberwatch.parsing.lines import MAX_LINE, split_lines
from emberwatch.parsing.stealer import StealerBlocks
from emberwatch.parsing.stealer_lanes import Lanes
from tests.corpus.dialects import DIALECTS, Dialect
from tests.corpus.generator import ENCODINGS, leak_file
from tests.corpus.people import People
from tests.corpus.truth import CONTEXT, DOMAINS

STEALERS = [dialect for dialect in DIALECTS if dialect.name.startswith("stealer/")]
LINES = (
    "URL: https://a.test/", "URL:https://a.test/", "Host:\thttps://b.test", "Username: u@contoso.example",
    "Username:", "USR:v@contoso.example", "Login: ", "Login:  w", "Password: pw", "Password:  pw ", "PASS:pw",
    "Password:",
    "Soft: Chrome", "profile: Default", "Country: DE", "more of it", "", " ", "\t", "=====", "---", "* x *",
    '["Chrome" = "Default"]', "Email: z@contoso.example", "\ufeffURL: https://c.test", "caf\u00e9", "Password: <long>",
)  # fmt: skip


SCANNED = replace(CONTEXT, places=prefilter_for(parse_watchlist(DOMAINS)).ends_in)


def told(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    return [(repr(o), o.secret.expose() if isinstance(o, ParsedCredential) else "") for o in outcomes]


def by_line(data: bytes, context: ParseContext) -> list[tuple[str, str]]:
    return told(StealerBlocks().parse(split_lines([data]), context))


def by_block(data: bytes, context: ParseContext, size: int) -> list[tuple[str, str]]:
    chunks = (data[at : at + size] for at in range(0, len(data), size))
    return told(StealerBlocks().parse_stream(chunks, context))


@pytest.mark.parametrize("dialect", STEALERS, ids=lambda dialect: dialect.name)
def test_every_dialect_reads_the_same_both_ways(dialect: Dialect) -> None:
    people = People(random.Random(dialect.name))
    for encoding in ENCODINGS:
        data = leak_file(dialect, encoding, people, 30).data
        for context in (ANYBODY, CONTEXT):
            wanted = by_line(data, context)
            for size in (37, 1000, len(data)):
                assert by_block(data, context, size) == wanted
        for size in (1000, len(data)):
            assert found_by_scan(data, size) == found(by_line(data, CONTEXT))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(LINES), min_size=1, max_size=7), min_size=1, max_size=3),
    st.lists(st.integers(0, 2), max_size=12),
    st.sampled_from((11, 90, 10**6)),
    st.sampled_from(("\n", "\r\n", "\r")),
)
def test_whatever_stands_in_the_blocks(
    blocks: list[list[str]], order: list[int], size: int, end: str
) -> None:
    lines = [line for number in order for line in blocks[number % len(blocks)]]
    lines = [line.replace("<long>", "x" * MAX_LINE) for line in lines]
    for data in (end.join(lines).encode(), (end.join(lines) + end).encode("cp1252", "ignore")):
        assert by_block(data, CONTEXT, size) == by_line(data, CONTEXT)
        assert found_by_scan(data, size) == found(by_line(data, CONTEXT))


def found(outcomes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without what is nobody's."""
    return [one for one in outcomes if not one[0].startswith((Foreign.__name__, Noise.__name__))]


def found_by_scan(data: bytes, size: int) -> list[tuple[str, str]]:
    return found(by_block(data, SCANNED, size))


def test_a_scan_passes_over_blocks_in_which_nothing_watched_stands() -> None:
    block = "URL: https://a.test/\nUsername: {}\nPassword: p\n\n"
    logins = ["a@other.test"] * 3 + ["b@contoso.example"] + ["c@other.test"] * 3
    data = "".join(map(block.format, logins)).encode()
    outcomes = list(StealerBlocks().parse_stream([data], SCANNED))
    entries = [outcome for outcome in outcomes if not isinstance(outcome, Noise)]
    # The first one teaches what blocks look like.
    assert [(type(entry), entry.line) for entry in entries] == [(Foreign, 1), (ParsedCredential, 13)]


def test_a_block_is_cut_out_whole_and_its_outline_is_known_for_the_next_one() -> None:
    block = "URL: https://a.test/\nUsername: u\nPassword:  p:w \nApplication: Chrome\n=====\n\n"
    lanes = Lanes()
    text = block * 2
    for at in (0, len(block)):
        found = lanes.find(text + "URL: ", at, None)
        assert found is not None
        lane, match = found
        entry = lane.entry(match, 7)
        assert (entry.line, entry.login, entry.password, entry.application) == (7, "u", " p:w ", "Chrome")
        assert (match.end(), len(lane.fields), lane.tail) == (at + len(block), 4, 2)
