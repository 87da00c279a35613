"""Dates as system files write them. A time becomes an instant only when its zone is known."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emberwatch.core.patterns import lazy

_DATE: Final = r"(?P<a>\d{1,4})(?P<mark>[./-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{1,4})"
_TIME: Final = r"(?P<h>\d{1,2})[:_](?P<m>\d{1,2})(?:[:_](?P<s>\d{1,2}))?(?:\.\d+)?"
_WHEN: Final = lazy(
    rf"{_DATE}[ T,\[-]*{_TIME}\]?(?:\s*(?P<half>[AP]M)\b)?(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_CALENDAR: Final = lazy(rf"(?<!\d){_DATE}(?!\d)(?:[ T,\[-]*{_TIME}\]?\s*(?P<half>[AP]M)\b)?", re.IGNORECASE)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_SPELLED: Final = (
    lazy(rf"\b(?P<day>\d{{1,2}})[ -]{_MONTH},?[ -](?P<year>(?:20)?\d{{2}})\b", re.IGNORECASE),
    lazy(rf"\b{_MONTH} (?P<day>\d{{1,2}}),? (?P<year>20\d{{2}})\b", re.IGNORECASE),
    lazy(
        rf"\b{_MONTH} {{1,2}}(?P<day>\d{{1,2}}) (?P<clock>\d\d:\d\d:\d\d) (?P<zone>[A-Z]{{3,4}} )?"
        r"(?P<year>20\d{2})\b",
        re.IGNORECASE,
    ),
)
_LETTERS: Final = lazy(r"[A-Za-z]{3}")
_REGION: Final = lazy(r"\(?([A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z0-9_+-]+){1,2}|UTC)\)?")
# Seconds since 1970: behind a mark of one family, or all that stands there.
_SIGNED: Final = lazy(r"\bsig:(\d{9,10})\b|^\s*(?=1)(\d{10})(?:\d{3})?\s*$")
_OFFSET: Final = lazy(r"(?P<sign>[+-])\s?(?P<hours>\d{1,2})(?:[:_]?(?P<minutes>\d{2}))?(?!\d)")
_PLAIN_UTC: Final = lazy(r"\s*\(?(?:UTC|GMT|Z)\b", re.IGNORECASE)
_WRAPPED: Final = 2**31
_UNIX_YEARS: Final = range(2000, 2100)


def parse_zone(text: str) -> tzinfo | None:
    """The zone in a text: ``(UTC-03:00) …``, ``-8``, ``+01:00``, ``4294967293`` (minus 3), ``Europe/Berlin``."""
    bare = text.strip()
    if bare.isascii() and bare.isdigit():
        hours = int(bare[:11])
        return _offset(hours - 2**32 if hours >= _WRAPPED else hours, 0)
    if region := _REGION.fullmatch(bare):
        return _region(region[1])
    found = _OFFSET.search(bare)
    if found:
        sign = -1 if found["sign"] == "-" else 1
        return _offset(sign * int(found["hours"]), sign * int(found["minutes"] or 0))
    return UTC if _PLAIN_UTC.match(bare) else None


def parse_instant(text: str, *, zone: tzinfo | None = None, day_first: bool | None = None) -> datetime | None:
    """The instant in UTC, or ``None`` when its date is ambiguous or its zone unknown.

    A zone beside the time wins over ``zone``. ``day_first`` is the family's habit.
    """
    if signed := _SIGNED.search(text):
        return datetime.fromtimestamp(int(signed[signed.lastindex or 1]), UTC)
    found = _WHEN.search(_in_figures(text))
    if found is None:
        return None
    known = parse_zone(found["rest"]) or zone
    if known is None:
        return None
    day = _day(found, day_first)
    return _instant(day, found, known) if day else None


def parse_day(text: str, *, day_first: bool | None = None) -> date | None:
    """The calendar day of a text, or ``None`` when it names none or its order is ambiguous."""
    if signed := _SIGNED.search(text):
        return datetime.fromtimestamp(int(signed[signed.lastindex or 1]), UTC).date()
    found = _CALENDAR.search(_in_figures(text))
    day = _day(found, day_first) if found else None
    if day is None:
        return None
    try:
        return date(*day)
    except ValueError:
        return None


def is_ambiguous(text: str) -> bool:
    """Whether day and month of a text could be either way round."""
    if _SIGNED.search(text):
        return False
    return parse_day(text, day_first=True) != parse_day(text, day_first=False)


def _in_figures(text: str) -> str:
    """The same text with a month that is spelled out, if any, in figures."""
    for spelled in _SPELLED if _LETTERS.search(text) else ():
        if found := spelled.search(text):
            year, month = int(found["year"]) % 100, _MONTHS.index(found["month"].lower()) + 1
            told = found.groupdict()
            clock = f" {told['clock']} {told['zone'] or ''}" if told.get("clock") else ""
            return f"{text[: found.start()]}20{year:02}-{month}-{found['day']}{clock}{text[found.end() :]}"
    return text


def _region(name: str) -> tzinfo | None:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _instant(day: tuple[int, int, int], found: re.Match[str], zone: tzinfo) -> datetime | None:
    hour, half = int(found["h"]), (found["half"] or "").upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    try:
        local = datetime(*day, hour, int(found["m"]), int(found["s"] or 0), tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(found: re.Match[str], day_first: bool | None) -> tuple[int, int, int] | None:
    a, b, c = int(found["a"]), int(found["b"]), int(found["c"])
    if a in _UNIX_YEARS:
        return a, b, c
    if c not in _UNIX_YEARS:
        return None
    first = _day_comes_first(a, b, found, day_first)
    if first is None:
        return None
    return (c, b, a) if first else (c, a, b)


def _day_comes_first(a: int, b: int, found: re.Match[str], habit: bool | None) -> bool | None:
    if a > 12 or b > 12:
        return a > 12
    if found["mark"] == ".":
        return True
    return False if found["half"] else habit


def _offset(hours: int, minutes: int) -> timezone | None:
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(shift) if abs(shift) <= timedelta(hours=14) else None
