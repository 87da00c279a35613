"""Prints rows: a table for people, one JSON object a line for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import typer

from emberwatch.cli.terminal import visible as visible

Record: TypeAlias = Mapping[str, Any]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

WIDE: Final = 250


def print_json(records: Iterable[Record]) -> None:
    for record in records:
        # ASCII alone: what stands in a leak must not reach a terminal as control characters.
        sys.stdout.write(json.dumps(record, default=_plain) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no place in a record")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A narrow terminal breaks a long line better than a table breaks its words.
    console = Console(width=WIDE)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not markup: a login may hold square brackets.
        table.add_row(*(Text(visible(cell)) for cell in row))
    console.print(table)


def moment(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}" if value else ""


def day(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d}" if value else ""
