"""No line of ours is missed, and hits that only look like ours are dropped."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emberwatch.matching.literals import literals_of, outermost
from emberwatch.matching.prefilter import Prefilter, prefilter_for
from emberwatch.matching.watchlist import Watchlist, parse_watchlist

ENTRIES = [
    "contoso.example",
    "mail.contoso.example",
    "ab.co",
    "Bücher.example",
    "ü.example",
    "shop.bücher.test",
    "пример.рф",
    "mira@freemail.example",
    "é@freemail.example",
    "jo@bücher.example",
    "host:login.apps.example",
    "host:203.0.113.9",
]
WATCHED = parse_watchlist(ENTRIES)
SPELLINGS = [
    "u@contoso.example",
    "U@MAIL.Contoso.EXAMPLE",
    "https://vpn.contoso.example/",
    "contoso.example",
    "u@ab.co",
    "u@bücher.example",
    "u@BÜCHER.example",
    "u@bu\u0308cher.example",
    "u@XN--bcher-kva.example",
    "u@ü.example",
    "u@Ü.example",
    "u@u\u0308.example",
    "u@xn--tda.example",
    "u@shop.bücher.test",
    "u@shop.xn--bcher-kva.test",
    "u@пример.рф",
    "u@ПРИМЕР.рф",
    "u@пример.xn--p1ai",
    "u@xn--e1afmkfd.рф",
    "Mira@freemail.example",
    "É@freemail.example",
    "jo@bücher.example",
    "JO@xn--bcher-kva.example",
    "https://login.apps.example:8443/",
    "http://203.0.113.9/x",
]


def places(prefilter: Prefilter, line: bytes) -> list[tuple[int, int]]:
    return list(prefilter.places(b"\n" + line, len(line) + 1))


def owns(watched: Watchlist, text: str) -> bool:
    host = text.rpartition("//")[2].partition("/")[0].partition(":")[0]
    return watched.owns_login(text) or watched.owns_host(host)


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_found(spelling: str, noisy: bool) -> None:
    assert owns(WATCHED, spelling)
    every = [literal.text for literal in literals_of(WATCHED)] if noisy else []
    prefilter = Prefilter(WATCHED, literals_of(WATCHED, every))
    assert places(prefilter, spelling.encode())
    assert places(prefilter, f"x\t{spelling}:secret".encode())


@pytest.mark.parametrize(
    "line",
    [
        b"u@notcontoso.example",
        b"u@contoso-example.test",
        b"u@contoso.examples",
        b"u@contoso.example.evil.test",
        b"u@my_contoso.example",
        b"u@cab.co",
    ],
)
def test_lookalikes_need_no_parsing(line: bytes) -> None:
    prefilter = prefilter_for(parse_watchlist(["contoso.example", "ab.co"]))
    assert places(prefilter, line) == []
    assert places(prefilter, b"u@contoso.example")


def test_what_lies_below_another_name_needs_no_literal() -> None:
    assert outermost(["contoso.example", "a.contoso.example", "b.a.contoso.example", "x.example"]) == [
        "contoso.example",
        "x.example",
    ]


def test_a_part_that_is_common_is_noticed_and_replaced() -> None:
    watched = parse_watchlist(["mail.example", "contoso.example"])
    sample = b"x@mail.exams.test:pw\nu@contoso.example:pw\n" * 400
    common = prefilter_for(watched).common([sample])
    assert common == {"mail.exa"}
    narrowed = Prefilter(watched, literals_of(watched, common))
    assert len(places(narrowed, sample)) == 400
    assert places(narrowed, b"u@mail.example")


def test_common_parts_of_names_that_do_stand_there_are_kept() -> None:
    watched = parse_watchlist(["contoso.example"])
    assert prefilter_for(watched).common([b"u@contoso.example:pw\n" * 400]) == frozenset()


@pytest.mark.parametrize("number", [1, 2, 63, 64, 65, 100, 900, 2000])
def test_any_number_of_domains(number: int) -> None:
    prefilter = prefilter_for(parse_watchlist([f"name{each}.example" for each in range(number)]))
    text = b"".join(b"u@name%d.example:pw\nu@noname%d.example:pw\n" % (each, each) for each in range(number))
    assert len(places(prefilter, text)) == number
    ballast = b"\x02\x03\x04" + bytes(range(1, 9)) * 20
    assert places(prefilter, ballast) == []


NAME = st.from_regex(r"[a-c]{1,3}(-[a-c])?(\.[a-c]{1,3}){1,3}", fullmatch=True)


@settings(max_examples=300)
@given(st.lists(NAME, min_size=1, max_size=5), st.text("abc.@-:/ é", max_size=40), st.data())
def test_no_login_and_no_host_is_missed(names: list[str], around: str, data: st.DataObject) -> None:
    watched = Watchlist(names)
    prefix = data.draw(st.sampled_from(["u@", "u@a.", "http://", "http://b.", "", "x:", "\u00a0", "é"]))
    line = f"{prefix}{data.draw(st.sampled_from(names))}{around}"
    # Whatever a parser may take for a login or a host in this line.
    tokens = [
        token for token in line.replace("/", " ").replace(":", " ").replace("\u00a0", " ").split() if token
    ]
    for every in ([], [literal.text for literal in literals_of(watched)]):
        found = places(Prefilter(watched, literals_of(watched, every)), line.encode())
        if any(watched.owns_login(token) or watched.owns_host(token) for token in tokens):
            assert found
