"""Where leaked data came from: its sources, and what kind of date stands in a table's row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Final
from uuid import UUID

from emberwatch.exposures.models import DateBasis, Source
from emberwatch.parsing.base import Dated

# The column's name decides; "created", "registered" and "imported" say nothing about the leak.
_BASES: Final[tuple[tuple[str, DateBasis], ...]] = (
    ("infect", DateBasis.INFECTION),
    ("compromise", DateBasis.INFECTION),
    ("breach", DateBasis.BREACH),
    ("leak", DateBasis.STATED),
    ("publish", DateBasis.STATED),
)


def row_date(dated: Dated | None) -> Mapping[DateBasis, datetime]:
    """The date beside a credential in its table, if its column's name tells what happened then."""
    if dated is None:
        return {}
    at = dated.at or (datetime.combine(dated.day, time(), UTC) if dated.day else None)
    name = dated.name.casefold()
    basis = next((basis for word, basis in _BASES if word in name), None)
    return {basis: at} if basis is not None and at is not None else {}


class Sources:
    """Ids of a tenant's sources, made when they are first met."""

    def __init__(self, tenant_id: UUID, now: datetime) -> None:
        self._tenant_id = tenant_id
        self._now = now
        self._ids: dict[tuple[str, str], UUID] = {}

    def id(self, kind: str, name: str, stated_at: datetime | None, breached_at: datetime | None) -> UUID:
        """Of the source with this kind, name and dates; the dates are those of the whole import."""
        if (kind, name) not in self._ids:
            source, _ = Source.objects.get_or_create(
                tenant_id=self._tenant_id,
                kind=kind,
                name=name,
                leaked_at=stated_at,
                breached_at=breached_at,
                defaults={"created_at": self._now},
            )
            self._ids[kind, name] = source.id
        return self._ids[kind, name]
