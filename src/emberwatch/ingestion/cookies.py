"""Writes stolen cookies of the tenant's sites to the store: one row a cookie, its value sealed and never opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import uuid_utils

from emberwatch.ingestion.machines import Machines, storable
from emberwatch.ingestion.staging import insert_cookies
from emberwatch.parsing.cookies import ParsedCookie
from emberwatch.vault.crypto import Vault

if TYPE_CHECKING:
    from emberwatch.ingestion.recording import Part


def value_context_of(cookie_id: object) -> str:
    """What binds a sealed value to its row."""
    return f"cookie:{cookie_id}:value"


class CookieRecorder:
    """Stores batches of cookies of one import inside the caller's transaction."""

    def __init__(
        self,
        vault: Vault,
        machines: Machines,
        source: Callable[[], UUID],
        given: Mapping[str, Any],
    ) -> None:
        self._vault = vault
        self._machines = machines
        self._source = source
        self._given = given

    def store(self, batch: Sequence[tuple[ParsedCookie, Part]]) -> int:
        """How many of them are new. Safe to repeat: what is stored already is known again."""
        if not batch:
            return 0
        machines = self._machines.ids(part for _, part in batch)
        unique: dict[bytes, tuple[ParsedCookie, Part]] = {}
        for found, part in batch:
            unique.setdefault(self._print(found, self._machines.key(part)), (found, part))
        # In one order everywhere, so that two transactions never wait for each other.
        rows = [self._row(print_, *unique[print_], machines) for print_ in sorted(unique)]
        return insert_cookies(rows, self._given)

    def _print(self, found: ParsedCookie, machine_key: str) -> bytes:
        ends = found.expires_at.isoformat() if found.expires_at else ""
        return self._vault.fingerprint(
            "cookie", machine_key, found.host, found.path, found.name, ends, found.value
        )

    def _row(
        self, print_: bytes, found: ParsedCookie, part: Part, machines: Mapping[str, UUID]
    ) -> tuple[Any, ...]:
        id_ = uuid_utils.uuid7()
        return (
            id_,
            machines.get(self._machines.key(part)),
            self._source(),
            print_,
            storable(found.host)[:253],
            storable(found.name)[:300],
            storable(found.path)[:300],
            found.secure,
            found.expires_at,
            self._vault.seal(found.value, value_context_of(id_)),
            part.file_name[:500],
            found.line,
        )
