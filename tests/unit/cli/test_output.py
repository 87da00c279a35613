"""What is printed can neither steer a terminal nor lose anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from emberwatch.cli.address import is_loopback, page_address
from emberwatch.cli.output import print_json, print_table, visible
from emberwatch.config.environment import load
from emberwatch.core.verdict import Verdict

HOSTILE = "\x1b[2J\x9bann[red]@contoso.example\u202e"


def test_a_table_shows_control_characters_as_codes(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("Login",), [(HOSTILE,), ("x" * 200,)])
    printed = capsys.readouterr().out
    assert "\\u001b[2J\\u009bann[red]@contoso.example\\u202e" in printed
    assert "x" * 200 in printed
    assert all(c.isprintable() or c == "\n" for c in printed)
    assert visible("Zoë, “quoted” пароль") == "Zoë, “quoted” пароль"


def test_json_is_one_plain_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    print_json([{"login": HOSTILE, "at": at, "id": UUID(int=7), "verdict": Verdict.ACTIVE}, {"login": "b"}])
    first, second = capsys.readouterr().out.splitlines()
    assert first.isascii() and first.isprintable()
    assert json.loads(first) == {
        "login": HOSTILE,
        "at": "2026-01-02T03:04:05Z",
        "id": str(UUID(int=7)),
        "verdict": "active",
    }
    assert json.loads(second) == {"login": "b"}


def test_addresses() -> None:
    assert page_address(load({}), "::1", 8700) == "http://[::1]:8700"
    set_ = load({"EMBERWATCH_BASE_URL": "https://emberwatch.example/"})
    assert page_address(set_, "0.0.0.0", 8700) == "https://emberwatch.example"
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost")] == [True] * 3
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "emberwatch.example")] == [False] * 4
