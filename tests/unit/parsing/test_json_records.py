"""JSON in all the layouts that exports come in, whole and damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.base import (
    ANYBODY,
    Noise,
    Outcome,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
)
from emberwatch.parsing.json_cut import LARGEST
from emberwatch.parsing.json_records import JsonRecords
from emberwatch.parsing.registry import choose
from tests.corpus.truth import CONTEXT

READER = JsonRecords()
RECORDS = [
    {
        "email": "u@contoso.example",
        "password": 'Xk2:9q}{"[',
        "url": "https://a.test",
        "breach_date": "2022-02-02",
    },
    {"_id": 1, "_source": {"email": ["v@x.test"], "password": ["p\nw"]}},
    {"id": 3, "data": {"user": {"login": "w@x.test"}, "fields": {"hash": "0" * 32, "salt": "ab"}}},
]
FOUND = [("u@contoso.example", 'Xk2:9q}{"['), ("v@x.test", "p\nw"), ("w@x.test", "0" * 32)]

LAYOUTS = {
    "lines": "\n".join(map(json.dumps, RECORDS)),
    "lines with commas": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "array": json.dumps(RECORDS),
    "pretty": json.dumps(RECORDS, indent=2),
    "hits": json.dumps({"took": 1, "hits": {"total": 3, "hits": RECORDS}}),
    "pretty hits": json.dumps({"took": 1, "hits": {"total": 3, "hits": RECORDS}}, indent="\t"),
    "end to end": "".join(map(json.dumps, RECORDS)),
}


def outcomes(text: str | bytes, size: int = 1000, context: ParseContext = ANYBODY) -> list[Outcome]:
    data = text.encode() if isinstance(text, str) else text
    return list(READER.parse_stream(chunks(data, size), context))


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def pairs(found: list[Outcome]) -> list[tuple[str, str]]:
    return [(o.login, o.secret.expose()) for o in found if isinstance(o, ParsedCredential)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_every_layout(layout: str, size: int) -> None:
    assert pairs(outcomes(LAYOUTS[layout], size)) == FOUND
    assert choose(LAYOUTS[layout].encode(), "x").name == "json"


@pytest.mark.parametrize(
    "bad",
    ['{"email":"b@x.test","pass', '{"email":"b@x.test","password":"y"', '{"email":"b@x.test",}', "garbage"],
)
def test_a_bad_line_is_counted_and_the_next_one_read(bad: str) -> None:
    found = outcomes(bad + "\n" + LAYOUTS["lines"])
    assert isinstance(found[0], Reject) and found[0].line == 1
    assert pairs(found) == FOUND


def test_a_wrapper_larger_than_memory_may_hold() -> None:
    many = json.dumps({"hits": RECORDS * 9_000})
    assert len(many) > 2_000_000
    found = outcomes(many, 100_000)
    assert (len(found), pairs(found[-3:])) == (27_000, FOUND)
    head = READER.columns(many.encode()[:65_536])
    assert head is not None and head.usable


def test_lists_nulls_numbers_and_escapes() -> None:
    found = outcomes('{"email":["a@y.test","u@contoso.example"],"password":123456,"url":null,"x":[1]}')
    assert pairs(found) == [("a@y.test", "123456")]
    ours = ParseContext(
        is_ours=lambda login: login.endswith("@contoso.example"), hints=(b"@contoso.example",)
    )
    found = outcomes('{"email":["a@y.test","u\\u0040contoso.example"],"password":"p\\ud83d"}', context=ours)
    assert pairs(found) == [("u@contoso.example", "p?")]


def test_addresses_may_be_the_keys() -> None:
    text = '{"u@x.test": "p", "v@x.test": {"password": "q", "id": 1}, "n": {"w@x.test": "no"}, "count": "3"}'
    assert pairs(outcomes(text)) == [("u@x.test", "p"), ("v@x.test", "q")]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_large_object_keeps_the_addresses_above_its_secrets(indent: int | None) -> None:
    secrets = {f"u{number}@x.test": f"p{number}" for number in range(60_000)}
    text = json.dumps({"id": 1, **secrets}, indent=indent)
    assert len(text) > LARGEST
    assert pairs(outcomes(text, 100_000)) == list(secrets.items())
    nested = json.dumps({login: {"password": secret} for login, secret in secrets.items()}, indent=indent)
    assert pairs(outcomes(nested, 100_000)) == list(secrets.items())
    assert choose(nested[:60_000].encode(), "x").name == "json"


def test_an_address_of_ours_without_a_secret_is_not_passed_over() -> None:
    (found,) = outcomes('{"note": "u@contoso.example"}', context=ParseContext(is_ours=CONTEXT.is_ours))
    assert isinstance(found, Reject)
    assert found.reason is RejectReason.AMBIGUOUS
    assert "contoso" not in found.sample


def test_objects_without_a_credential() -> None:
    first, second = outcomes('{"a":1}\n{"email":"u@x.test"}')
    assert first == Noise(1) and isinstance(second, Reject)


def test_columns_are_named_by_their_paths_and_can_be_put_right() -> None:
    columns = READER.columns(b'{"who":{"mail_to":"u@x.test"},"word":"hunter2"}')
    assert columns is not None and [c.name for c in columns.columns] == ["who.mail_to", "word"]
    right = columns.corrected(["login", "password"])
    found = outcomes('{"who":{"mail_to":"u@x.test"},"word":"hunter2"}', context=ParseContext(columns=right))
    assert pairs(found) == [("u@x.test", "hunter2")]


PARTS = ["{", "}", '"', "\\", "\n", "[", "]", ",", ":", '"email":', '"a@b.cd"', "1"]


@given(st.lists(st.sampled_from(PARTS), max_size=40))
def test_how_the_file_is_cut_changes_nothing(parts: list[str]) -> None:
    text = "".join(parts)
    assert repr(outcomes(text, 1)) == repr(outcomes(text, 1000))
