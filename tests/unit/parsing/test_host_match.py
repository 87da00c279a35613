"""Entries that are ours by their site alone, kept apart from those that are ours by their login."""

from __future__ import annotations

import pytest

from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import Foreign, Match, ParseContext, ParsedCredential
from emberwatch.parsing.credential_lines import parse_line
from emberwatch.parsing.lines import split_lines
from emberwatch.parsing.stealer import StealerBlocks
from emberwatch.parsing.urls import host_of

WATCHED = DomainSet(["contoso.example"])
BY_LOGIN = ParseContext(is_ours=WATCHED.owns)
BY_BOTH = ParseContext(
    is_ours=WATCHED.owns,
    host_is_ours=lambda host: host == "contoso.example" or host.endswith(".contoso.example"),
)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("https://vpn.contoso.example/:jdoe:pw", Match.HOST),
        ("https://contoso.example:8443/x:f@x.test:pw", Match.HOST),
        ("https://vpn.contoso.example/:u@contoso.example:pw", Match.LOGIN),
        ("f@x.test:pw:https://vpn.contoso.example/", Match.HOST),
        ("https://contoso.example.evil.test/:f@x.test:pw", None),
        ("https://notcontoso.example/:f@x.test:pw", None),
        ("https://contoso.example@evil.test/:f@x.test:pw", None),
        ("https://a.test/?next=https://contoso.example/:f@x.test:pw", None),
        ("android://eA==@contoso.example/:f@x.test:pw", None),
    ],
)
def test_lines(line: str, match: Match | None) -> None:
    outcome = parse_line(line.encode(), BY_BOTH)
    assert outcome == Foreign(1) if match is None else isinstance(outcome, ParsedCredential)
    assert getattr(outcome, "match", None) is match
    if match is Match.HOST:
        assert parse_line(line.encode(), BY_LOGIN) == Foreign(1)


def test_blocks() -> None:
    block = b"URL: https://vpn.contoso.example/\nUsername: jdoe\nPassword: pw\n\n"
    outcomes = StealerBlocks().parse(split_lines([block]), BY_BOTH)
    (found,) = (outcome for outcome in outcomes if isinstance(outcome, ParsedCredential))
    assert (found.login, found.match) == ("jdoe", Match.HOST)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://User:p@A.Test:8443/x@y", "a.test"),
        ("a.test/login", "a.test"),
        ("a.test:80", "a.test"),
        ("https://a.test?x=1", "a.test"),
        ("https://a.test./", "a.test"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("android://x==@com.app/", ""),
        ("chrome-extension://abc/x", ""),
        ("", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host
