"""What a list of domains means, and what is told about one that cannot be used."""

from __future__ import annotations

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.matching.watchlist import parse_watchlist

WATCHED = parse_watchlist(
    [
        "# ours",
        "contoso.example   # the main one",
        "",
        "*.Bücher.example",
        "@tailspin.example",
        "Mira@freemail.example",
        "host:login.apps.example",
        "HOST: 203.0.113.9",
    ]
)


@pytest.mark.parametrize(
    "login",
    [
        "u@contoso.example",
        "U@Mail.CONTOSO.example",
        "u@xn--bcher-kva.example",
        "u@bücher.example",
        "u@tailspin.example",
        "mira@Freemail.example",
        "MIRA@freemail.example",
    ],
)
def test_our_logins(login: str) -> None:
    assert WATCHED.owns_login(login)


@pytest.mark.parametrize(
    "login",
    [
        "u@notcontoso.example",
        "u@contoso.example.evil.test",
        "mirabel@freemail.example",
        "mira@mail.freemail.example",
        "u@freemail.example",
        "u@login.apps.example",
        "mira",
    ],
)
def test_other_logins(login: str) -> None:
    assert not WATCHED.owns_login(login)


@pytest.mark.parametrize(
    "host",
    [
        "contoso.example",
        "vpn.contoso.example",
        "bücher.example",
        "login.apps.example",
        "a.login.apps.example",
    ],
)
def test_our_hosts(host: str) -> None:
    assert WATCHED.owns_host(host)
    assert WATCHED.owns_host("203.0.113.9")


@pytest.mark.parametrize(
    "host",
    [
        "apps.example",
        "notcontoso.example",
        "contoso.example.evil.test",
        "freemail.example",
        "203.0.113.99",
        "",
    ],
)
def test_other_hosts(host: str) -> None:
    assert not WATCHED.owns_host(host)


def test_every_bad_line_is_named_by_its_number() -> None:
    with pytest.raises(BadInput) as refused:
        parse_watchlist(["contoso.example", "https://x.example/", "", "example", "u@", "host:a b"])
    message = str(refused.value)
    for number in (2, 4, 5, 6):
        assert f"ine {number}: " in message
    assert "ine 1:" not in message


def test_many_bad_lines_are_counted() -> None:
    with pytest.raises(BadInput, match="And 15 more"):
        parse_watchlist(["bad"] * 20)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(BadInput, match="empty"):
        parse_watchlist(["# nothing", " "])
