"""How a delimited table was written and what its columns hold, told from its beginning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.column_content import column_name, told_by_content, with_samples
from emberwatch.parsing.column_names import named_columns, role_and_rank
from emberwatch.parsing.columns import Column, ColumnMap, Role
from emberwatch.parsing.csv_fields import Dialect, Record, records, split
from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.lines import split_lines

DELIMITERS: Final = ",;\t|~^"
_STATED: Final = lazy(rb"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
_WORD: Final = lazy(r"[^\W\d][\w -]{0,40}")
_SAMPLE_LINES: Final = 200
_HEADER_WITHIN: Final = 5
_BACKSLASHES: Final = lazy(r"\\+")
_STEADY: Final = 0.8


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a table."""

    dialect: Dialect
    columns: ColumnMap
    skip: int
    """Lines before the first row of values."""
    quoted: float
    """Share of rows that hold quotes around a field."""
    steady: float
    """Share of rows that have as many columns as most."""
    named: bool = False
    """Whether the names in its header told what the columns hold."""


def layout_of(head: bytes) -> Layout | None:
    """The layout of a table that begins with ``head``, or ``None`` when it is no table with logins."""
    lines = list(islice(split_lines([head]), _SAMPLE_LINES))
    whole = lines if len(lines) == _SAMPLE_LINES or len(head) < 64 * 1024 else lines[:-1] or lines
    stated = next(
        (found[1].decode("latin-1") for line in whole[:2] if (found := _STATED.fullmatch(clean(line)))), ""
    )
    quotes = "'" if _single_quoted(whole) else '"'
    layouts = [
        layout
        for delimiter in (stated or DELIMITERS)
        if (layout := _with_delimiter(whole, Dialect(delimiter, quotes), bool(stated)))
    ]
    return max(layouts, key=_merit, default=None)


def plain_columns(head: bytes) -> ColumnMap | None:
    """Columns without roles, of a table in which nothing looks like a login: a person may know better."""
    lines = list(islice(split_lines([head]), _SAMPLE_LINES))
    best: tuple[int, int] = (0, 1)
    found: ColumnMap | None = None
    for delimiter in DELIMITERS:
        rows = [row.fields for row in records(lines, Dialect(delimiter)) if row.fields and any(row.fields)]
        width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
        if width > 1 and (count, width) > best:
            best = (count, width)
            values = [row for row in rows if len(row) == width]
            columns = tuple(Column(column_name(at)) for at in range(width))
            found = ColumnMap(with_samples(columns, values), delimiter, header=False)
    return found


def _merit(layout: Layout) -> tuple[bool, float, int]:
    return layout.named, layout.steady, layout.dialect.width


def _single_quoted(lines: Sequence[bytes]) -> bool:
    fenced = sum(1 for line in lines if re.match(rb"\s*'[^']*'\s*[,;\t|]\s*'", line))
    return fenced > len(lines) / 2


def _with_delimiter(lines: Sequence[bytes], dialect: Dialect, stated: bool) -> Layout | None:
    dialect = replace(dialect, backslash=_has_backslashes(lines, dialect))
    rows = [record for record in records(lines, dialect) if record.fields and any(record.fields)]
    header = next((row for row in rows[: _HEADER_WITHIN + stated] if _is_header(row.fields or [])), None)
    named = header is not None
    header = header or _unknown_names(rows)
    if header:
        rows = [row for row in rows if row.line > header.line]
    widths = Counter(len(row.fields or ()) for row in rows)
    width, count = widths.most_common(1)[0] if widths else (len(header.fields or ()) if header else 0, 0)
    if header:
        width = len(header.fields or ())
    if width < 2:
        return None
    values = [row.fields or [] for row in rows if len(row.fields or ()) == width]
    columns = _columns(header, values, width, named=named)
    if not any(column.role is Role.LOGIN for column in columns):
        return None
    return Layout(
        dialect=replace(dialect, width=width),
        columns=ColumnMap(with_samples(columns, values), dialect.delimiter, header is not None),
        skip=header.line if header else _stated_lines(lines),
        quoted=_quoted_share(lines, dialect),
        steady=count / len(rows) if rows else 1.0,
        named=named,
    )


def _columns(
    header: Record | None, values: Sequence[Sequence[str]], width: int, *, named: bool
) -> tuple[Column, ...]:
    by_content = told_by_content(values, width)
    if header is None:
        return by_content
    by_name = named_columns(_names(header.fields or ()))
    if named:
        return by_name
    return tuple(
        replace(told, name=known.name, role=known.role if told.role is Role.IGNORED else told.role)
        for known, told in zip(by_name, by_content, strict=True)
    )


def _unknown_names(rows: Sequence[Record]) -> Record | None:
    """The first row, when it holds words that nobody knows above a column of addresses."""
    if len(rows) < 2:
        return None
    first, others = rows[0].fields or [], [row.fields or [] for row in rows[1:]]
    words = all(_WORD.fullmatch(field.strip()) for field in first) and len(set(first)) == len(first)
    addresses = sum(1 for fields in others if any("@" in field for field in fields))
    return rows[0] if words and len(first) > 1 and addresses > len(others) / 2 else None


def _names(fields: Sequence[str]) -> list[str]:
    names: list[str] = []
    for at, field in enumerate(fields):
        name = field.strip() or f"column {at + 1}"
        names.append(name if name not in names else f"{name} {at + 1}")
    return names


def _is_header(fields: Sequence[str]) -> bool:
    return is_header(fields) and not any("@" in field for field in fields)


def is_header(fields: Sequence[str]) -> bool:
    """Whether a row holds the names of columns: those of a login and of a secret among them."""
    roles = {role_and_rank(field)[0] for field in fields}
    return bool(roles & {Role.LOGIN, Role.USER_NAME}) and len(roles & set(Role) - {Role.IGNORED}) >= 2


def _stated_lines(lines: Sequence[bytes]) -> int:
    return sum(1 for line in lines[:1] if _STATED.fullmatch(clean(line)))


def _doubles_backslashes(texts: Sequence[str]) -> bool:
    """Whether backslashes stand in quoted lines, and never alone."""
    runs = [len(run[0]) for text in texts for run in _BACKSLASHES.finditer(text)]
    return bool(runs) and all(length % 2 == 0 for length in runs)


def _has_backslashes(lines: Sequence[bytes], dialect: Dialect) -> bool:
    """Whether a line makes sense only when a backslash protects a quote."""
    mark = "\\" + dialect.quote
    escaping = replace(dialect, backslash=True)
    texts = [text for line in lines if dialect.quote in (text := decode(clean(line))[0]) and "\\" in text]
    if _doubles_backslashes(texts):
        return True
    for text in texts:
        if mark not in text:
            continue
        fields, others = split(text, dialect), split(text, escaping)
        loose = fields is None or any(mark in field and not field.endswith("\\") for field in fields)
        if loose and others is not None and not any(mark in field for field in others):
            return True
    return False


def _quoted_share(lines: Sequence[bytes], dialect: Dialect) -> float:
    d, q = re.escape(dialect.delimiter), re.escape(dialect.quote)
    fenced = re.compile(rf"(?:^|{d})\s*{q}[^{q}]*{q}\s*(?:{d}|$)".encode())
    telling = [line for line in lines if line.strip()]
    return sum(1 for line in telling if fenced.search(line)) / len(telling) if telling else 0.0
