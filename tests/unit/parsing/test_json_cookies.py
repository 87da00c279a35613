"""Cookies exported as JSON, in the shapes that extensions and automation tools write."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.base import Foreign, Noise, Reject, RejectReason
from emberwatch.parsing.cookie_files import looks_like_cookies, read_cookie_file
from emberwatch.parsing.cookies import CookieOutcome, ParsedCookie
from emberwatch.parsing.json_cut import LARGEST

EXPORTED = {
    "domain": ".login.Contoso.example", "expirationDate": 1790000000.5, "hostOnly": False, "httpOnly": True,
    "name": "ESTSAUTH", "path": "/", "sameSite": "no_restriction", "secure": True, "session": False, "storeId": "0",
    "value": "0.AbC-synthetic", "id": 1,
}  # fmt: skip
ENDS = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
RAW = {
    "Host raw": "https://.login.contoso.example/", "Name raw": "ESTSAUTH", "Path raw": "/",
    "Content raw": "0.AbC-synthetic",
    "Expires": "21-09-2026 14:13:20", "Expires raw": "1790000000", "Send for raw": "true", "HTTP only raw": "true",
}  # fmt: skip


def ours(host: str) -> bool:
    return host == "contoso.example" or host.endswith(".contoso.example")


def read(data: bytes, size: int = 1000) -> list[CookieOutcome]:
    chunks: Iterable[bytes] = (data[at : at + size] for at in range(0, len(data), size))
    return list(read_cookie_file(data[: 64 * 1024], chunks, ours))


@pytest.mark.parametrize(
    "written",
    [
        json.dumps([EXPORTED]),
        json.dumps([EXPORTED], indent=4),
        json.dumps(EXPORTED),
        "\ufeff" + json.dumps([EXPORTED]).replace(", ", ",\r\n"),
        json.dumps({"url": "https://login.contoso.example", "cookies": [EXPORTED]}),
        json.dumps({"cookies": [EXPORTED], "origins": [{"origin": "x", "local": [{"name": "a", "value": "b"}]}]}),
        json.dumps([{**EXPORTED, "expirationDate": "2026-09-21T14:13:20.000Z"}]),
        json.dumps([{**EXPORTED, "expirationDate": 1790000000000}]),
        json.dumps([{"host_key": ".login.contoso.example", "name": "ESTSAUTH", "value": "0.AbC-synthetic", "path": "/",
                     "expires_utc": "13434473600000000", "is_secure": 1}]),
        json.dumps([RAW]),
    ],
)  # fmt: skip
def test_a_cookie_of_ours_in_every_shape(written: str) -> None:
    for data in (written.encode(), written.encode("utf-16")):
        assert looks_like_cookies(data)
        (found,) = read(data)
        assert isinstance(found, ParsedCookie)
        assert (found.host, found.name, found.path) == ("login.contoso.example", "ESTSAUTH", "/")
        assert found.value.expose() == "0.AbC-synthetic"
        assert found.secure
        assert found.expires_at is not None
        assert found.expires_at.replace(microsecond=0) == ENDS
        assert "synthetic" not in repr(found)


@pytest.mark.parametrize("end", [None, 0, -1, "", "Session", "x", True])
def test_one_without_an_end_lasts_as_long_as_the_session(end: object) -> None:
    (found,) = read(json.dumps([{**EXPORTED, "expirationDate": end}]).encode())
    assert isinstance(found, ParsedCookie)
    assert found.expires_at is None


def test_each_object_has_an_outcome() -> None:
    foreign = {**EXPORTED, "domain": "notcontoso.example"}
    rows = [EXPORTED, foreign, {**EXPORTED, "domain": "."}, {"name": "a"}, EXPORTED]
    text = "\n".join(json.dumps(row) for row in rows) + '\n{"domain": "cut.contoso.exam\n'
    kinds = [type(outcome) for outcome in read(text.encode())]
    assert kinds == [ParsedCookie, Foreign, Reject, Noise, ParsedCookie, Reject]
    assert [outcome.line for outcome in read(text.encode())] == [1, 2, 3, 4, 5, 6]


def test_a_list_of_megabytes_on_one_line_is_read_piece_by_piece() -> None:
    number = 3 * LARGEST // len(json.dumps(EXPORTED))
    found = read(json.dumps([EXPORTED] * number).encode(), 100_000)
    assert len(found) == number
    assert all(isinstance(outcome, ParsedCookie) for outcome in found)
    (wrapped,) = {type(outcome) for outcome in read(json.dumps({"cookies": [EXPORTED] * number}).encode())}
    assert wrapped is ParsedCookie


def test_one_object_without_end_is_a_reject_and_what_follows_is_read() -> None:
    long = json.dumps({**EXPORTED, "value": "x" * (2 * LARGEST)})
    outcomes = read(f"{json.dumps(EXPORTED)}\n{long}\n{json.dumps(EXPORTED)}\n".encode())
    assert isinstance(outcomes[0], ParsedCookie)
    assert isinstance(outcomes[-1], ParsedCookie)
    assert any(isinstance(o, Reject) and o.reason is RejectReason.UNREADABLE for o in outcomes)


def test_credentials_and_settings_are_no_cookies() -> None:
    for other in (
        [{"email": "u@contoso.example", "password": "pw", "domain": "contoso.example"}],
        [{"host": "contoso.example", "name": "setting", "value": "on"}],
        {"name": "x"},
        [],
    ):
        assert not looks_like_cookies(json.dumps(other).encode())


@given(st.text(max_size=200), st.integers(1, 50))
def test_any_text_is_answered_and_however_it_is_cut(text: str, size: int) -> None:
    data = (json.dumps([EXPORTED, text])[:-1] + text).encode("utf-8", "replace")
    assert [repr(outcome) for outcome in read(data, size)] == [repr(outcome) for outcome in read(data, 10**6)]
