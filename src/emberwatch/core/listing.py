"""What lists have in common: filters that come as text, and cursors that keep a place in a list that grows."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from emberwatch.core.errors import BadInput

Place: TypeAlias = tuple[datetime, UUID]
"""Where a page ended: the time and the id of its last row."""
LONGEST_TEXT: Final = 320
_DAY: Final = "2026-01-31"


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """``value``, if it is empty or allowed. Raises :class:`BadInput` otherwise."""
    if value and value not in allowed:
        raise BadInput(f"{value[:40]} is not a value of {name}.", field=name)
    return value


def plain_text(value: str, longest: int = LONGEST_TEXT) -> str:
    """Text to search for, as the database can take it."""
    return value.strip().replace("\x00", "")[:longest]


def since(name: str, value: str) -> datetime | None:
    """A day or a moment, in UTC: PostgreSQL reads fewer zones than ISO 8601 can write."""
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{name} needs a date such as {_DAY}.", field=name) from None


def until(name: str, value: str) -> datetime | None:
    """A day includes all of it; a moment is exact."""
    moment = since(name, value)
    try:
        return moment + timedelta(days=1) if moment and len(value) == len(_DAY) else moment
    except OverflowError:
        return moment


def in_utc(name: str, moment: datetime | None) -> datetime | None:
    """The same moment in the zone that PostgreSQL can always read."""
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        raise BadInput(f"{name} is not a moment that can be stored.", field=name) from None


def cursor_at(at: datetime, row_id: UUID) -> str:
    """A place in a list, as text that can stand in an address."""
    return _cursor(at.isoformat(), row_id)


def cursor_at_name(name: str, row_id: UUID) -> str:
    """A place in a list by name."""
    return _cursor(name, row_id)


def _cursor(where: str, row_id: UUID) -> str:
    text = json.dumps([where, str(row_id)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """The place that a cursor names. Raises :class:`BadInput` for one that :func:`cursor_at` did not make."""
    at, row_id = _read(cursor)
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC), row_id
    except (ValueError, OverflowError):
        raise _not_ours() from None


def named_place_of(cursor: str) -> tuple[str, UUID]:
    """The same of one that :func:`cursor_at_name` made."""
    name, row_id = _read(cursor)
    if "\x00" in name:
        raise _not_ours()
    return name, row_id


def _read(cursor: str) -> tuple[str, UUID]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        where, row_id = json.loads(text)
        if not isinstance(where, str):
            raise TypeError
        return where, UUID(row_id)
    except (ValueError, TypeError, AttributeError):
        raise _not_ours() from None


def _not_ours() -> BadInput:
    return BadInput("The cursor is not one that Emberwatch made.", field="cursor")
