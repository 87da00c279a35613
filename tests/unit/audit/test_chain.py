"""The audit chain finds what was changed, removed or reordered."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from emberwatch.audit.chain import GENESIS, Row, hash_row, verify

CHAIN = UUID(int=5)
START = datetime(2026, 1, 1, tzinfo=UTC)


def chain(length: int) -> list[Row]:
    rows: list[Row] = []
    for number in range(1, length + 1):
        fields = {
            "chain": CHAIN,
            "sequence": number,
            "at": START + timedelta(microseconds=number),
            "actor": "user:x",
            "action": "credential.revealed",
            "subject": f"credential:{number}",
            "reason": "",
            "facts": {"n": number, "ünïcode": "ß"},
            "previous_hash": rows[-1].row_hash if rows else GENESIS,
        }
        rows.append(Row(**fields, row_hash=hash_row(**fields)))  # type: ignore[arg-type]
    return rows


def check(rows: list[Row], length: int = 5, head: str | None = None) -> int | None:
    fault = verify(rows, length=length, head_hash=head or chain(5)[-1].row_hash)
    return fault.sequence if fault else None


def test_a_whole_chain_holds() -> None:
    assert check(chain(5)) is None
    assert verify([], length=0, head_hash=GENESIS) is None


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "user:y"},
        {"action": "other"},
        {"subject": "credential:9"},
        {"reason": "because"},
        {"facts": {"n": 99}},
        {"at": START},
        {"chain": UUID(int=6)},
        {"row_hash": GENESIS},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_is_found(change: dict[str, object]) -> None:
    rows = chain(5)
    rows[2] = dataclasses.replace(rows[2], **change)  # type: ignore[arg-type]
    assert check(rows) == 3


def test_a_removed_row_is_found_wherever_it_stood() -> None:
    for number in range(5):
        rows = chain(5)
        del rows[number]
        assert check(rows) == number + 1


def test_reordered_rows_are_found() -> None:
    rows = chain(5)
    rows[1], rows[2] = rows[2], rows[1]
    assert check(rows) == 2
    renumbered = [dataclasses.replace(row, sequence=n) for n, row in enumerate(rows, 1)]
    assert check(renumbered) == 2


def test_a_rewritten_tail_is_found_by_the_head() -> None:
    rows = chain(5)
    forged = dataclasses.replace(rows[4], reason="forged")
    fields = {name: getattr(forged, name) for name in Row.__slots__ if name != "row_hash"}
    rows[4] = dataclasses.replace(forged, row_hash=hash_row(**fields))
    assert check(rows) == 6
