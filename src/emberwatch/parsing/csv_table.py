"""Delimited tables: exports of breaches and of browsers, with or without names for their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Final

from emberwatch.parsing.base import (
    ANYBODY,
    Noise,
    Outcome,
    ParseContext,
    Reject,
    RejectReason,
    SourceKind,
)
from emberwatch.parsing.column_names import named_columns, role_and_rank
from emberwatch.parsing.columns import ColumnMap, Role
from emberwatch.parsing.csv_fields import Dialect, records
from emberwatch.parsing.csv_layout import Layout, is_header, layout_of, plain_columns
from emberwatch.parsing.lines import MAX_LINE
from emberwatch.parsing.rows import RowReader

_NAMED: Final = 0.97
_QUOTED: Final = 0.93
_BY_CONTENT: Final = 0.92
_SAMPLE_LINES: Final = 200
_STEADY: Final = 0.9
_KNOWN_WIDTH: Final = 3
_FORMULA: Final = ("'=", "'+", "'-", "'@", "'\t")


class CsvTable:
    """A table with one row a record and a delimiter between its fields."""

    name = "csv"
    kind = SourceKind.BREACH

    def sniff(self, head: bytes, name: str) -> float:  # noqa: ARG002 - the name tells nothing here
        layout = layout_of(head)
        if layout is None or not layout.columns.usable:
            return 0.0
        if layout.named:
            return _NAMED
        return _sure_without_names(layout)

    def columns(self, head: bytes) -> ColumnMap | None:
        layout = layout_of(head)
        return layout.columns if layout else plain_columns(head)

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        lines = iter(lines)
        first = list(islice(lines, _SAMPLE_LINES))
        layout = _stated(layout_of(b"\n".join(line[: MAX_LINE + 1] for line in first)), context.columns)
        everything = chain(first, lines)
        if layout is None:
            return _all_rejected(everything)
        return _rows(everything, layout, context)


def _sure_without_names(layout: Layout) -> float:
    known = {Role.LOGIN, Role.PASSWORD, Role.HASH, Role.URL}
    if layout.steady < _STEADY:
        return 0.0
    if layout.quoted >= _STEADY:
        return _QUOTED
    width, others = layout.dialect.width, [c for c in layout.columns.columns if c.role not in known]
    return _BY_CONTENT if others and width >= _KNOWN_WIDTH else 0.0


def _stated(found: Layout | None, wanted: ColumnMap | None) -> Layout | None:
    """The layout with what a person has put right."""
    if wanted is None:
        return found
    delimiter = wanted.delimiter or (found.dialect.delimiter if found else ",")
    width = len(wanted.columns)
    if found is None or found.dialect.delimiter != delimiter:
        return Layout(Dialect(delimiter, width=width), wanted, int(wanted.header), 0.0, 0.0)
    skip = found.skip if wanted.header == found.columns.header else int(wanted.header)
    return replace(found, dialect=replace(found.dialect, width=width), columns=wanted, skip=skip)


def _all_rejected(lines: Iterable[bytes]) -> Iterator[Outcome]:
    for number, line in enumerate(lines, start=1):
        yield Reject(number, RejectReason.UNREADABLE, "") if line.strip() else Noise(number)


def _rows(lines: Iterable[bytes], layout: Layout, context: ParseContext) -> Iterator[Outcome]:
    lines = iter(lines)
    for number, line in enumerate(islice(lines, layout.skip), start=1):
        yield Reject(number, RejectReason.LINE_TOO_LONG, "") if len(line) > MAX_LINE else Noise(number)
    columns, reader = layout.columns, RowReader(layout.columns, context)
    for record in records(lines, layout.dialect, layout.skip + 1):
        fields = record.fields
        if fields is None:
            yield Reject(record.line, RejectReason.LINE_TOO_LONG, "")
        elif not any(map(str.strip, fields)):
            yield Noise(record.line)
        elif _names_again(fields):
            # Files are joined with their headers, and a later one may order its columns otherwise.
            if context.columns is None:
                columns = ColumnMap(named_columns(fields), layout.dialect.delimiter)
                reader = RowReader(columns, context)
            yield Noise(record.line)
        else:
            yield reader.read(record.line, _fitted(fields, columns, layout.dialect), record.flags)


def _names_again(fields: Sequence[str]) -> bool:
    named = sum(role_and_rank(field)[0] is not Role.IGNORED for field in fields)
    return named >= 2 and is_header(fields) and not any("@" in field for field in fields)


def _fitted(fields: list[str], columns: ColumnMap, dialect: Dialect) -> list[str]:
    extra = len(fields) - len(columns.columns)
    if extra > 0:
        fields = _rejoined(fields, extra, columns, dialect.delimiter)
    return [_without_marks(field) for field in fields]


def _rejoined(fields: list[str], extra: int, columns: ColumnMap, delimiter: str) -> list[str]:
    """A writer that never quotes leaves too many fields where the password holds the delimiter."""
    places = columns.places(Role.PASSWORD) or columns.places(Role.HASH)
    if not places:
        return fields
    at = places[0]
    return [*fields[:at], delimiter.join(fields[at : at + extra + 1]), *fields[at + extra + 1 :]]


def _without_marks(field: str) -> str:
    """Excel's mark for "this is a text", which stands before what would be a formula."""
    if field.startswith('="') and field.endswith('"') and len(field) > 2:
        return field[2:-1]
    return field[1:] if field.startswith(_FORMULA) else field
