"""Both spellings of Retry-After, and which refusals are worth another try."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from emberwatch.directories.base import DirectoryBusy, DirectoryError, DirectoryUnreachable
from emberwatch.directories.entra.graph import LONGEST_WAIT, worth_repeating
from emberwatch.http.waits import retry_after

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        (" 17 ", 17.0),
        ("2.5", 2.5),
        ("Mon, 01 Jun 2026 12:01:30 GMT", 90.0),
        ("Monday, 01-Jun-26 12:01:30 GMT", 90.0),
        ("Mon, 01 Jun 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("inf", None),
        ("nan", None),
        ("1e9", None),
        ("soon", None),
        ("99999999999999999999", None),
    ],
)
def test_both_spellings(told: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": told}, NOW) == seconds
    assert retry_after({"retry-after": told}, NOW) == seconds
    assert retry_after(httpx.Headers({"RETRY-AFTER": told}), NOW) == seconds


def test_no_header_tells_nothing() -> None:
    assert retry_after({}, NOW) is None


def test_a_date_counts_from_the_senders_own_clock() -> None:
    headers = {"Retry-After": "Mon, 01 Jun 2026 12:01:30 GMT", "Date": "Mon, 01 Jun 2026 12:01:00 GMT"}
    assert retry_after(headers, NOW) == 30.0


@pytest.mark.parametrize(
    ("error", "untold", "wait"),
    [
        (DirectoryBusy("x", retry_after=4.0), None, 4.0),
        (DirectoryBusy("x", retry_after=0.0), None, 0.0),
        (DirectoryBusy("x", retry_after=LONGEST_WAIT + 1), None, False),
        (DirectoryBusy("x"), None, True),
        (DirectoryBusy("x"), 1.0, 1.0),
        (DirectoryBusy("x", retry_after=4.0), 1.0, 4.0),
        (DirectoryUnreachable("x"), None, True),
        (DirectoryError("x"), None, False),
    ],
)
def test_what_is_worth_another_try(error: DirectoryError, untold: float | None, wait: bool | float) -> None:
    found = worth_repeating(error, untold)
    assert (found, type(found)) == (wait, type(wait))
