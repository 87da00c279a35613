"""How one audit row is hashed and how a chain is checked. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

ORGANISATION: Final = UUID(int=0)
GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Row:
    chain: UUID
    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    facts: Mapping[str, Any]
    previous_hash: str
    row_hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a chain does not hold. ``sequence`` counts from 1."""

    sequence: int
    what: str


def hash_row(
    chain: UUID,
    sequence: int,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    reason: str,
    facts: Mapping[str, Any],
    previous_hash: str,
) -> str:
    """SHA-256 over the canonical JSON of every field and the previous row's hash."""
    body = [
        str(chain),
        sequence,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor,
        action,
        subject,
        reason,
        facts,
        previous_hash,
    ]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def verify(rows: Iterable[Row], *, length: int, head_hash: str) -> Fault | None:
    """Walks a chain from its first row and returns the first fault, or ``None`` when it holds."""
    previous, expected = GENESIS, 1
    for row in rows:
        fault = _fault_in(row, previous, expected)
        if fault:
            return fault
        previous, expected = row.row_hash, expected + 1
    if expected - 1 != length or previous != head_hash:
        return Fault(expected, f"the chain ends after {expected - 1} rows, its head says {length}")
    return None


def _fault_in(row: Row, previous: str, expected: int) -> Fault | None:
    if row.sequence != expected:
        return Fault(expected, f"row {expected} is missing; row {row.sequence} stands in its place")
    if row.previous_hash != previous:
        return Fault(expected, f"row {expected} does not follow the row before it")
    computed = hash_row(
        row.chain,
        row.sequence,
        row.at,
        row.actor,
        row.action,
        row.subject,
        row.reason,
        row.facts,
        row.previous_hash,
    )
    if computed != row.row_hash:
        return Fault(expected, f"row {expected} was changed after it was written")
    return None
