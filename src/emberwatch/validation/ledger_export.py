"""The ledger as CSV and JSON Lines, row by row. Pure."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from emberwatch.validation.proof import Entry

# What a spreadsheet would take for the beginning of a formula.
FORMULA_MARKS: Final = ("=", "+", "-", "@", "\t", "\r")


class ExportForm(StrEnum):
    CSV = "csv"
    JSON_LINES = "jsonl"


MEDIA_TYPES: Final = {
    ExportForm.CSV: "text/csv; charset=utf-8",
    ExportForm.JSON_LINES: "application/x-ndjson",
}


class _Line:
    """Hands back what the CSV writer writes, instead of storing it."""

    def write(self, text: str) -> str:
        return text


def exported(entries: Iterable[Entry], form: ExportForm) -> Iterator[str]:
    """The lines of the file."""
    return _as_csv(entries) if form is ExportForm.CSV else _as_json_lines(entries)


def _as_csv(entries: Iterable[Entry]) -> Iterator[str]:
    writer = csv.writer(_Line())
    names = tuple(Entry.COLUMNS)
    yield writer.writerow(names)
    for entry in entries:
        values = entry.fields()
        yield writer.writerow([cell(values[name]) for name in names])


def _as_json_lines(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps({name: plain(value) for name, value in entry.fields().items()}) + "\n"


def plain(value: object) -> object:
    """As JSON has it: times in UTC, ids as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value


def as_json(value: Any) -> Any:
    """The same for everything inside of dictionaries and lists."""
    if isinstance(value, dict):
        return {name: as_json(each) for name, each in value.items()}
    return [as_json(each) for each in value] if isinstance(value, list) else plain(value)


def cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    shown = plain(value)
    text = "" if shown is None else str(shown).lower() if isinstance(shown, bool) else str(shown)
    return f"'{text}" if text.startswith(FORMULA_MARKS) else text
