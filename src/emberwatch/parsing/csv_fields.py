"""Cuts records of a delimited table into fields, to the character, and forgives what naive writers do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.lines import MAX_LINE

_MOST_LINES: Final = 50
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table was written."""

    delimiter: str
    quote: str = '"'
    backslash: bool = False
    """Whether a backslash within quotes protects the next character."""
    width: int = 0
    """How many columns most rows have; 0 when that is not known yet."""


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One row, with the number of its first line. ``fields`` is ``None`` when that line was too long."""

    line: int
    fields: list[str] | None
    flags: tuple[str, ...] = ()


def records(lines: Iterable[bytes], dialect: Dialect, first: int = 1) -> Iterator[Record]:
    """Rows of a table, those with quoted line breaks put together again."""
    held: list[bytes] = []
    source = enumerate(lines, start=first)
    pushed: list[tuple[int, bytes]] = []
    while True:
        number, line = pushed.pop() if pushed else next(source, (0, b""))
        if not number:
            return
        if len(line) > MAX_LINE:
            yield Record(number, None)
            continue
        text, flags = decode(clean(line))
        if dialect.quote not in text:
            yield Record(number, text.split(dialect.delimiter), flags)
            continue
        fields = split(text, dialect)
        if fields is not None:
            yield Record(number, fields, flags)
            continue
        held = [line]
        taken: list[tuple[int, bytes]] = []
        whole = None
        while whole is None and len(held) < _MOST_LINES and sum(map(len, held)) <= MAX_LINE:
            following = pushed.pop() if pushed else next(source, None)
            if following is None:
                break
            taken.append(following)
            held.append(clean(following[1]))
            whole = _joined(held, dialect)
        if whole is None:
            pushed.extend(reversed(taken))
            yield Record(number, text.split(dialect.delimiter), flags)
        else:
            yield Record(number, *whole)


def _joined(held: Sequence[bytes], dialect: Dialect) -> tuple[list[str], tuple[str, ...]] | None:
    text, flags = decode(b"\n".join([clean(held[0]), *held[1:]]))
    fields = split(text, dialect)
    if fields is None or (dialect.width and len(fields) != dialect.width):
        return None
    return fields, flags


def split(text: str, dialect: Dialect) -> list[str] | None:
    """The fields of a record, or ``None`` when a quote stays open at its end."""
    if dialect.quote not in text:
        return text.split(dialect.delimiter)
    quoted, plain = _patterns(dialect.delimiter, dialect.quote, dialect.backslash)
    fields, at, end = [], 0, len(text)
    while True:
        found = quoted.match(text, at)
        if found:
            fields.append(_unquoted(found[1], dialect))
        elif text.startswith(dialect.quote, at) and _is_open(text, at, dialect):
            return None
        else:
            found = plain.match(text, at)
            assert found is not None  # noqa: S101 - it matches the empty string
            fields.append(found[0])
        at = found.end()
        if at >= end:
            return fields
        at += 1
        if at == end:
            return [*fields, ""]


def _is_open(text: str, at: int, dialect: Dialect) -> bool:
    """Whether the quote at ``at`` has no partner: a partner followed by text makes it part of a plain field."""
    inner = text[at + 1 :]
    if dialect.backslash:
        inner = _ESCAPED.sub("", inner)
    return inner.replace(dialect.quote * 2, "").count(dialect.quote) == 0


@lru_cache(maxsize=32)
def _patterns(delimiter: str, quote: str, backslash: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    d, q = re.escape(delimiter), re.escape(quote)
    inner = rf"(?:[^{q}\\]|{q}{q}|\\.)*+" if backslash else rf"(?:[^{q}]|{q}{q})*+"
    # Excel writes ="00123" where a number is to stay a text.
    return (
        re.compile(rf" *=?{q}({inner}){q} *(?={d}|\Z)", re.DOTALL),
        re.compile(rf"[^{d}]*", re.DOTALL),
    )


def _unquoted(inner: str, dialect: Dialect) -> str:
    text = inner.replace(dialect.quote * 2, dialect.quote)
    return _ESCAPED.sub(r"\1", text) if dialect.backslash else text
