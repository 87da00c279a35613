"""Reads the statements of a dump as they stream by, and holds no more of them than one row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.base import Foreign, Noise, Outcome, ParseContext, Reject, RejectReason
from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.pieces import PIECE, Piece
from emberwatch.parsing.rows import RowReader
from emberwatch.parsing.samples import shape_of
from emberwatch.parsing.sql_tables import Tables
from emberwatch.parsing.sql_tokens import (
    ASSIGNED,
    COPY,
    CREATE,
    INSERT,
    PLAIN_TUPLE,
    PLAIN_VALUE,
    SET,
    TUPLE,
    VALUE,
    column_list,
    copied,
    defined_columns,
    plain_name,
    value_of,
)


class _In(Enum):
    NOTHING = auto()
    CREATE = auto()
    VALUES = auto()
    SET = auto()
    COPY = auto()


_LARGEST: Final = 2 * PIECE
_STATEMENT: Final = lazy(r"\b(?:INSERT|REPLACE|COPY|CREATE)\s", re.IGNORECASE)
_LINE_STATEMENT: Final = lazy(r"^(?:INSERT|REPLACE|COPY|CREATE)\s", re.IGNORECASE | re.MULTILINE)
_RECODED: Final = lazy(r"\\|0x|X'", re.IGNORECASE)
_COMMENT: Final = lazy(r"\s*(?:--|#|/\*)")
_STATEMENTS: Final = ((INSERT, _In.VALUES), (SET, _In.SET), (COPY, _In.COPY), (CREATE, _In.CREATE))
_TELLING_LINES: Final = 5_000
_HEADING: Final = 32 * 1024
_FIRST_ROWS: Final = 20
_NEXT_ROW: Final = lazy(r"\)\s*,\s*\(|\)\s*;|\n\s*\(")
# Signs of databases in whose strings a backslash is a character like any other.
_PLAIN_BACKSLASHES: Final = lazy(
    r"^(?:-- PostgreSQL database dump|SET standard_conforming_strings|INSERT (?:INTO )?(?:\[|\"|\S+ *\(\[)|GO$|PRAGMA "
    r"|BEGIN TRANSACTION|SET (?:ANSI|IDENTITY)|.{0,400}?\(N')",
    re.MULTILINE,
)
_MYSQL: Final = lazy(
    r"(?:INTO|TABLE|EXISTS)\s+`|^-- (?:MySQL|MariaDB) dump|^-- phpMyAdmin|\) ENGINE=", re.MULTILINE
)


class SqlReader:
    """Fed with pieces, gives an outcome for each row."""

    def __init__(self, tables: Tables, context: ParseContext) -> None:
        self._tables = tables
        self._context = context
        self._held = ""
        self._line = 1
        """That ``_held`` begins on."""
        self._state = _In.NOTHING
        self._table = ""
        self._names: Sequence[str] = ()
        self._reader: RowReader | None = None
        self._flags: tuple[str, ...] = ()
        self._backslashes = True
        self._told = False

    def feed(self, piece: Piece) -> Iterator[Outcome]:
        if not piece.data and not self._held and self._state is not _In.COPY:
            return
        text, flags = decode(clean(piece.data) if piece.ends else piece.data)
        if not self._held:
            self._line, self._flags = piece.line, ()
        self._flags = self._flags or flags
        if not self._told and piece.line <= _TELLING_LINES:
            self._learn(text)
        if self._state is _In.COPY and piece.ends and not self._held:
            yield from self._copied(piece.line, text)
            return
        self._held += text + ("\n" if piece.ends else "")
        yield from self._go()

    def finish(self) -> Iterator[Outcome]:
        if self._state is _In.SET and self._held.strip():
            # The last statement needs no sign of its end.
            self._held += ";"
            yield from self._assignments()
        elif self._state is _In.VALUES and self._held.strip(" \n\t;,)"):
            yield self._unreadable()
        self._held = ""

    def forget(self) -> None:
        """What was begun is not going on: the rest of its line is lost."""
        self._held = ""
        self._state = _In.NOTHING

    def _learn(self, text: str) -> None:
        if _MYSQL.search(text):
            self._told = True
        elif _PLAIN_BACKSLASHES.search(text):
            self._told, self._backslashes = True, False

    def _go(self) -> Iterator[Outcome]:
        state: _In | None = None
        while self._held and state is not self._state:
            state = self._state
            if state is _In.NOTHING:
                self._statement()
            elif state is _In.CREATE:
                self._create()
            elif state is _In.VALUES:
                yield from self._values()
            elif state is _In.SET:
                yield from self._assignments()
            else:
                yield from self._copy_lines()
            if self._state is state is _In.NOTHING:
                break

    def _take(self, end: int) -> str:
        taken, self._held = self._held[:end], self._held[end:]
        self._line += taken.count("\n")
        if not self._held.strip():
            self._flags = ()
        return taken

    def _statement(self) -> None:
        """Skips to the next statement of interest, and reads it up to its values."""
        at, held = 0, self._held
        while found := _STATEMENT.search(held, at):
            if _COMMENT.match(held, held.rfind("\n", 0, found.start()) + 1):
                at = held.find("\n", found.end())
                if at < 0:
                    break
                continue
            for pattern, state in _STATEMENTS:
                if begun := pattern.match(held, found.start()):
                    self._begin(begun, state)
                    return
            if (
                len(held) - found.start() < _LARGEST
                and ";" not in held[found.start() : found.start() + _HEADING]
            ):
                self._take(found.start())
                return
            at = found.end()
        # The beginning of the next statement may be in sight.
        self._take(max(at, held.rfind("\n") + 1, len(held) - 64))

    def _begin(self, begun: re.Match[str], state: _In) -> None:
        self._table = plain_name(begun["table"])
        columns = begun.groupdict().get("columns")
        self._names = column_list(columns) if columns else ()
        self._reader = None
        self._state = state
        self._take(begun.end())

    def _create(self) -> None:
        end = _end_of_body(self._held)
        if end is None and len(self._held) < _LARGEST:
            return
        self._tables.define(self._table, defined_columns(self._held[: end or _LARGEST]))
        self._take(end or _LARGEST)
        self._state = _In.NOTHING

    def _values(self) -> Iterator[Outcome]:
        rows: list[tuple[int, str]] = []
        pattern = TUPLE if self._backslashes else PLAIN_TUPLE
        at, line, counted = 0, self._line, 0
        while found := pattern.match(self._held, at):
            if not found["next"] and found.end() >= len(self._held) - 1:
                break
            start = found.start("row")
            line += self._held.count("\n", counted, start)
            counted = start
            rows.append((line, found["row"]))
            at = found.end()
            if found["next"] != ",":
                self._state = _In.NOTHING
                break
        yield from self._read(rows)
        self._take(at)
        if self._state is _In.VALUES:
            yield from self._stuck()

    def _assignments(self) -> Iterator[Outcome]:
        """``SET name = value, …``: one row, whose columns stand beside their values."""
        names: list[str] = []
        values: list[str | None] = []
        at, ended = 0, False
        while not ended and (found := ASSIGNED.match(self._held, at)):
            at = found.end()
            ended = found["next"] != "," and (found["next"] == ";" or at < len(self._held.rstrip()))
            names.append(plain_name(found["name"]))
            values.append(value_of(found["value"], backslashes=self._backslashes))
        if not ended and len(self._held) < _LARGEST:
            return
        if values:
            reader = RowReader(self._tables.columns_of(self._table, names, [values]), self._context)
            yield reader.read(self._line, values, self._flags) if reader.has_login else Noise(self._line)
        self._take(at or len(self._held))
        self._state = _In.NOTHING

    def _stuck(self) -> Iterator[Outcome]:
        """No further row can be read: more text is needed, or this is none."""
        held = self._held.lstrip()
        if resumed := _LINE_STATEMENT.search(self._held, 1):
            # No string goes on over the beginning of a statement: this row was damaged.
            if held.startswith("("):
                yield self._unreadable()
            self._take(resumed.start())
            self._state = _In.NOTHING
            return
        if not held or (held.startswith("(") and len(self._held) < _LARGEST):
            return
        if held.startswith("("):
            yield self._unreadable()
            found = _NEXT_ROW.search(self._held, len(self._held) // 2)
            self._take(found.end() - 1 if found else len(self._held))
            return
        self._state = _In.NOTHING

    def _unreadable(self) -> Reject:
        return Reject(self._line, RejectReason.UNREADABLE, shape_of(self._held[:1200]))

    def _read(self, rows: Sequence[tuple[int, str]]) -> Iterator[Outcome]:
        if not rows:
            return
        reader = self._reader or self._reader_for([self._cut(row) for _, row in rows[:_FIRST_ROWS]])
        for line, row in rows:
            if not reader.has_login:
                yield Noise(line)
            elif not reader.may_hold_ours(row) and not _RECODED.search(row):
                yield Foreign(line)
            else:
                yield reader.read(line, self._cut(row), self._flags)

    def _cut(self, row: str) -> list[str | None]:
        pattern = VALUE if self._backslashes else PLAIN_VALUE
        return [
            value_of(value, backslashes=self._backslashes) for value in pattern.findall(row) if value.strip()
        ]

    def _reader_for(self, first: Sequence[Sequence[str | None]]) -> RowReader:
        columns = self._tables.columns_of(self._table, self._names, first)
        self._reader = RowReader(columns, self._context)
        return self._reader

    def _copy_lines(self) -> Iterator[Outcome]:
        while "\n" in self._held and self._state is _In.COPY:
            line = self._line
            yield from self._copied(line, self._take(self._held.index("\n") + 1)[:-1])
        if self._state is _In.COPY and len(self._held) > _LARGEST:
            yield Reject(self._line, RejectReason.LINE_TOO_LONG, shape_of(self._held[:1200]))
            self._held = ""

    def _copied(self, line: int, text: str) -> Iterator[Outcome]:
        if text == "\\.":
            self._state = _In.NOTHING
        elif text:
            row = [copied(field) for field in text.split("\t")]
            reader = self._reader or self._reader_for([row])
            yield reader.read(line, row, self._flags) if reader.has_login else Noise(line)


def _end_of_body(text: str) -> int | None:
    """Where the statement ends whose opening bracket was just read."""
    depth, quote = 1, ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            if not depth:
                return at + 1
    return None
