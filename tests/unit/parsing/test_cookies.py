"""Cookie files: hosts, names and ends of sessions; values are secrets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.base import Foreign, Noise, Reject, RejectReason
from emberwatch.parsing.cookie_files import looks_like_cookies
from emberwatch.parsing.cookies import ParsedCookie, read_cookies
from emberwatch.parsing.lines import MAX_LINE, split_lines

LINE = ".login.Contoso.example\tTRUE\t/\tTRUE\t1790000000\tESTSAUTH\t0.AbC-synthetic=\tx"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ours(host: str) -> bool:
    return host == "contoso.example" or host.endswith(".contoso.example")


def one(line: str) -> ParsedCookie:
    (found,) = read_cookies([line.encode()], ours)
    assert isinstance(found, ParsedCookie)
    return found


def test_a_cookie_of_ours() -> None:
    found = one(LINE)
    assert (found.host, found.name, found.path, found.secure) == (
        "login.contoso.example",
        "ESTSAUTH",
        "/",
        True,
    )
    assert found.value.expose() == "0.AbC-synthetic=\tx"
    assert found.expires_at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert found.is_live(NOW) and not found.is_live(datetime(2027, 1, 1, tzinfo=UTC))
    assert "synthetic" not in repr(found)


@pytest.mark.parametrize(
    ("expiry", "year"),
    [("0", None), ("", None), ("x", None), ("-1", None), ("1790000000000", 2026), ("13434473600000000", 2026),
     ("1790000000.5", 2026), ("99999999999999999999", None), ("999999999999999999", None)],
)  # fmt: skip
def test_ends_in_other_units(expiry: str, year: int | None) -> None:
    found = one(LINE.replace("1790000000", expiry))
    assert (found.expires_at.year if found.expires_at else None) == year


def test_lines_of_other_sorts() -> None:
    lines = [
        LINE.replace("Contoso", "notcontoso").encode(),
        b"",
        b"# Netscape HTTP Cookie File",
        b"contoso.example:u:pw",
        b"#HttpOnly_" + LINE.encode(),
        b"contoso.example\tFALSE\t/\tFALSE\t0\tempty",
        b"x" * (MAX_LINE + 1),
    ]
    first, blank, comment, broken, http_only, empty, long = read_cookies(lines, ours)
    assert (first, blank, comment) == (Foreign(1), Noise(2), Noise(3))
    assert isinstance(broken, Reject) and isinstance(http_only, ParsedCookie)
    assert isinstance(empty, ParsedCookie) and empty.value.expose() == ""
    assert isinstance(long, Reject) and long.reason is RejectReason.LINE_TOO_LONG


def test_cookie_files_are_known_by_content() -> None:
    assert looks_like_cookies(LINE.encode() + b"\n# c\n" + LINE.encode())
    assert not looks_like_cookies(b"https://a.test:u@x.test:pw\nhttps://a.test:u@x.test:pw")
    assert not looks_like_cookies(b"")


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    lines = list(split_lines([data, b"a\tTRUE\t", data]))
    assert len(list(read_cookies(lines))) == len(lines)
    looks_like_cookies(data)
