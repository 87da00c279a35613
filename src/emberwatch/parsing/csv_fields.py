"""Cuts records of a delimited table into fields, to the character, and forgives what naive writers do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.lines import MAX_LINE

_MOST_LINES: Final = 50
_FORGIVEN: Final = 50
_ESCAPED: Final = lazy(r"\\(.)", re.DOTALL)


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
    return iter(_Records(lines, dialect, first))


class _Records:
    __slots__ = ("_dialect", "_failed", "_joined", "_lines", "_pushed")

    def __init__(self, lines: Iterable[bytes], dialect: Dialect, first: int) -> None:
        self._dialect = dialect
        self._lines = enumerate(lines, start=first)
        self._pushed: list[tuple[int, bytes]] = []
        """Lines that were taken for a record that never came to an end, last first."""
        self._joined = self._failed = 0

    def __iter__(self) -> Iterator[Record]:
        while taken := self._next():
            yield self._record(*taken)

    def _next(self) -> tuple[int, bytes] | None:
        return self._pushed.pop() if self._pushed else next(self._lines, None)

    def _record(self, number: int, line: bytes) -> Record:
        if len(line) > MAX_LINE:
            return Record(number, None)
        text, flags = decode(clean(line))
        fields = split(text, self._dialect)
        if fields is not None:
            return Record(number, fields, flags)
        if self._joins_pay() and (whole := self._with_following(clean(line))):
            self._joined += 1
            return Record(number, *whole)
        self._failed += 1
        # A quote that nobody closes is a character like any other.
        return Record(number, text.split(self._dialect.delimiter), flags)

    def _joins_pay(self) -> bool:
        """Whether open quotes are line breaks in this file, as a rule, and no careless writing."""
        return self._failed < _FORGIVEN or self._failed < 4 * self._joined

    def _with_following(self, line: bytes) -> tuple[list[str], tuple[str, ...]] | None:
        taken: list[tuple[int, bytes]] = []
        held = [line]
        size = len(line)
        quote = self._dialect.quote.encode()
        while len(held) < _MOST_LINES and size <= MAX_LINE and (following := self._next()):
            taken.append(following)
            held.append(clean(following[1]))
            size += len(following[1])
            if quote in following[1] and (whole := self._whole(held)):
                return whole
        self._pushed.extend(reversed(taken))
        return None

    def _whole(self, held: Sequence[bytes]) -> tuple[list[str], tuple[str, ...]] | None:
        text, flags = decode(b"\n".join(held))
        fields = split(text, self._dialect)
        if fields is None or (self._dialect.width and len(fields) != self._dialect.width):
            return None
        return fields, flags


def split(text: str, dialect: Dialect) -> list[str] | None:
    """The fields of a record, or ``None`` when a quote stays open at its end."""
    if dialect.quote not in text:
        return text.split(dialect.delimiter)
    quoted, closed, plain = _patterns(dialect.delimiter, dialect.quote, dialect.backslash)
    fields, at, end = [], 0, len(text)
    while True:
        found = quoted.match(text, at)
        if found:
            fields.append(_unquoted(found[1], dialect))
        elif text.startswith(dialect.quote, at) and closed.match(text, at) is None:
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


@lru_cache(maxsize=32)
def _patterns(delimiter: str, quote: str, backslash: bool) -> tuple[re.Pattern[str], ...]:
    """Of a quoted field, of one that closes and goes on, and of a plain one."""
    d, q = re.escape(delimiter), re.escape(quote)
    inner = rf"(?:[^{q}\\]|{q}{q}|\\.)*+" if backslash else rf"(?:[^{q}]|{q}{q})*+"
    # A quote that closes and is followed by text is part of a plain field.
    # Excel writes ="00123" where a number is to stay a text.
    return (
        re.compile(rf" *=?{q}({inner}){q} *(?={d}|\Z)", re.DOTALL),
        re.compile(rf"{q}{inner}{q}", re.DOTALL),
        re.compile(rf"[^{d}]*", re.DOTALL),
    )


def _unquoted(inner: str, dialect: Dialect) -> str:
    text = inner.replace(dialect.quote * 2, dialect.quote)
    return _ESCAPED.sub(r"\1", text) if dialect.backslash else text
