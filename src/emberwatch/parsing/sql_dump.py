"""Dumps of databases: INSERT … VALUES of MySQL and others, COPY of PostgreSQL, streamed value by value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.parsing.base import ANYBODY, Outcome, ParseContext, Reject, RejectReason, SourceKind
from emberwatch.parsing.columns import ColumnMap
from emberwatch.parsing.pieces import Piece, pieces_of_chunks, pieces_of_lines
from emberwatch.parsing.samples import shape_of
from emberwatch.parsing.sql_statements import SqlReader
from emberwatch.parsing.sql_tables import Tables

_SURE: Final = 0.97
_SAID: Final = lazy(
    rb"^[ \t]*(?:INSERT\s[^\n]{0,200}?INTO\s|REPLACE\s+INTO\s|INSERT\s+\S+\s|COPY\s+\S+[^\n]{0,4000}?\sFROM\s+stdin)",
    re.IGNORECASE | re.MULTILINE,
)
# One of them stands in every dump, and in hardly any other file: found much faster than the lines themselves.
_WORDS: Final = (b"INSERT", b"REPLACE", b"COPY", b"CREATE", b"DUMP")
_DUMPED: Final = lazy(rb"^[ \t]*(?:CREATE\s+TABLE\s|-- MySQL dump|-- PostgreSQL database dump)", re.I | re.M)


class SqlDump:
    """The rows of every table that has a login among its columns."""

    name = "sql"
    kind = SourceKind.BREACH

    def sniff(self, head: bytes, name: str) -> float:
        text = head.replace(b"\0", b"")
        folded = text.upper()
        if not any(word in folded for word in _WORDS):
            return 0.0
        if _SAID.search(text):
            return _SURE
        return _SURE if _DUMPED.search(text) or (name.lower().endswith(".sql") and b"INSERT" in text) else 0.0

    def columns(self, head: bytes) -> ColumnMap | None:
        tables = Tables(None)
        reader = SqlReader(tables, ANYBODY)
        for piece in pieces_of_chunks([head]):
            for _ in reader.feed(piece):
                pass
        columns = tables.shown()
        return ColumnMap(tuple(columns)) if columns else None

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        return _outcomes(pieces_of_lines(lines), context)

    def parse_stream(self, chunks: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        return _outcomes(pieces_of_chunks(chunks), context)


def _outcomes(pieces: Iterable[Piece], context: ParseContext) -> Iterator[Outcome]:
    reader = SqlReader(Tables(context.columns), context)
    for piece in pieces:
        yield from reader.feed(piece)
        if piece.cut:
            reader.forget()
            yield Reject(
                piece.line, RejectReason.LINE_TOO_LONG, shape_of(piece.data[:1200].decode("latin-1"))
            )
    yield from reader.finish()
