"""Infected devices: one row for each, whatever number of leaks names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import connection

from emberwatch.core.ids import new_id
from emberwatch.parsing.system_info import MachineFacts

if TYPE_CHECKING:
    from emberwatch.ingestion.recording import Part

_LENGTHS: Final = {
    "family": 60,
    "computer_name": 200,
    "user_name": 200,
    "operating_system": 200,
    "ip_address": 64,
    "country": 60,
    "infected_at_text": 100,
}
# A later log may be silent where an earlier one was not: a fact is replaced by a fact, never by nothing.
_UPSERT: Final = """
INSERT INTO exposures_machine AS m (id, tenant_id, key, infected_at, first_seen_at, last_seen_at, {columns})
VALUES {rows}
ON CONFLICT (tenant_id, key) DO UPDATE SET
  infected_at = GREATEST(m.infected_at, EXCLUDED.infected_at),
  last_seen_at = GREATEST(m.last_seen_at, EXCLUDED.last_seen_at), {updates}
RETURNING key, id
"""


class Machines:
    """Keys and ids of the machines of one import."""

    def __init__(self, tenant_id: UUID, now: datetime) -> None:
        self._tenant_id = tenant_id
        self._now = now

    def key(self, part: Part) -> str:
        """What names a machine across leaks: its hardware id, else its names, else its place in this one leak."""
        facts = part.machine
        if facts is None:
            return ""
        named = facts.computer_name and facts.user_name
        names = f"{facts.computer_name}/{facts.user_name}" if named else ""
        return storable(facts.hwid or facts.machine_id or names or part.machine_key or part.file_name)[:200]

    def ids(self, parts: Iterable[Part]) -> Mapping[str, UUID]:
        facts = {self.key(part): part.machine for part in parts if part.machine is not None}
        if not facts:
            return {}
        # In one order everywhere, so that two transactions never wait for each other.
        rows = [self._row(key, machine) for key, machine in sorted(facts.items()) if machine is not None]
        columns, updates = ", ".join(_LENGTHS), ", ".join(map(_kept, _LENGTHS))
        one = f"({', '.join(['%s'] * len(rows[0]))})"
        statement = _UPSERT.format(columns=columns, rows=", ".join([one] * len(rows)), updates=updates)
        with connection.cursor() as cursor:
            cursor.execute(statement, [value for row in rows for value in row])
            return dict(cursor.fetchall())

    def _row(self, key: str, facts: MachineFacts) -> list[Any]:
        values = {
            "family": facts.family,
            "computer_name": facts.computer_name,
            "user_name": facts.user_name,
            "operating_system": facts.os,
            "ip_address": facts.ip,
            "country": facts.country,
            "infected_at_text": facts.infected_at_text,
        }
        texts = [storable(values[name])[:length] for name, length in _LENGTHS.items()]
        return [new_id(), self._tenant_id, key, facts.infected_at, self._now, self._now, *texts]


def _kept(column: str) -> str:
    return f"{column} = COALESCE(NULLIF(EXCLUDED.{column}, ''), m.{column})"


def storable(text: str) -> str:
    """Without what PostgreSQL's text cannot hold; a leak may hold lone surrogates and NULs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
