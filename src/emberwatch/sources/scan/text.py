"""Scans one text, or one range of it, whatever its format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from emberwatch.matching.prefilter import Prefilter
from emberwatch.matching.watchlist import Watchlist
from emberwatch.parsing.base import LineFormat, LineReader, ParseContext, ParsedCredential, Parser, Reject
from emberwatch.parsing.reading import read_chunks
from emberwatch.sources.scan.blocks import ChunkReader, ReadInto, as_utf8, block_of, read_blocks
from emberwatch.sources.scan.counting import line_ends
from emberwatch.sources.scan.lines import Found, LineScan
from emberwatch.sources.scan.tally import Counting, Tally

CHUNK: Final = 1024 * 1024
UTF16: Final = (b"\xff\xfe", b"\xfe\xff")

# Formats whose values stand in the file letter for letter: where the prefilter finds nothing, nothing of ours is.
# In JSON and SQL a name may be written with escapes.
_LITERAL_FORMATS: Final = frozenset({"stealer", "csv"})
_LOOKED_THROUGH: Final = 64 * 1024 * 1024
"""A file of blocks up to this size is looked through as a whole before it is parsed."""


class TextScanner:
    """Finds what is watched in any number of texts."""

    def __init__(self, watched: Watchlist, prefilter: Prefilter) -> None:
        self._prefilter = prefilter
        self._context = ParseContext(
            is_ours=watched.owns_login, host_is_ours=watched.owns_host, places=prefilter.ends_in
        )

    def line_reader(self, head: bytes, parser: LineFormat) -> LineReader:
        return parser.line_reader(head, self._context)

    def range(self, read_into: ReadInto, reader: LineReader, tally: Tally) -> Iterator[Found]:
        """Whole lines from anywhere in a file whose entries are single lines."""
        return self._lines(_counted_reads(read_into, tally), reader, tally)

    def stream(self, chunks: Iterable[bytes], head: bytes, parser: Parser, tally: Tally) -> Iterator[Found]:
        """A whole text from its beginning; ``head`` is what ``chunks`` begin with."""
        counted = _counted_chunks(chunks, tally)
        if head.startswith(UTF16):
            counted = as_utf8(counted)
        if isinstance(parser, LineFormat):
            return self._lines(ChunkReader(counted).readinto, self.line_reader(head, parser), tally)
        return self._entries(parser, counted, tally)

    def _lines(self, read_into: ReadInto, reader: LineReader, tally: Tally) -> Iterator[Found]:
        scan = LineScan(self._prefilter, reader, tally)
        for block in read_blocks(read_into):
            yield from scan.scan(block)

    def _entries(self, parser: Parser, chunks: Iterator[bytes], tally: Tally) -> Iterator[Found]:
        if parser.name in _LITERAL_FORMATS:
            beginning = _up_to(chunks, _LOOKED_THROUGH)
            if len(beginning) < _LOOKED_THROUGH and not self._holds_ours(beginning):
                tally.lines += _lines_of(beginning)
                return
            chunks = chain([beginning], chunks)
        counting, lines = Counting(tally), _LineEnds()
        for outcome in read_chunks(parser, lines.seen(chunks), self._context):
            if isinstance(outcome, ParsedCredential | Reject):
                counting.note(outcome)
                yield outcome
        tally.lines += lines.total

    def may_hold_ours(self, data: bytes) -> bool:
        """Whether a whole text, of whatever format, may. Formats with escapes need a backslash for one."""
        return data.startswith(UTF16) or b"\\" in data or self._holds_ours(data)

    def pass_over(self, chunks: Iterable[bytes], tally: Tally) -> None:
        """Counts a text that holds nothing of ours."""
        lines = _LineEnds()
        for chunk in lines.seen(chunks):
            tally.bytes += len(chunk)
        tally.lines += lines.total

    def _holds_ours(self, data: bytes) -> bool:
        block = block_of(data)
        return self._prefilter.holds(block.data, block.end)


class _LineEnds:
    """Counts the lines of the chunks that pass."""

    def __init__(self) -> None:
        self._ends = 0
        self._open = False

    @property
    def total(self) -> int:
        return self._ends + self._open

    def seen(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._ends += line_ends(chunk)
            self._open = not chunk.endswith(b"\n")
            yield chunk


def file_range(descriptor: int, start: int, end: int) -> ReadInto:
    """Reads a range of an open file, front to back."""
    at = start

    def read_into(target: memoryview) -> int:
        nonlocal at
        got = os.preadv(descriptor, [target[: end - at]], at)
        at += got
        return got

    return read_into


def file_chunks(descriptor: int) -> Iterator[bytes]:
    """An open file from where it stands."""
    while chunk := os.read(descriptor, CHUNK):
        yield chunk


def _counted_reads(read_into: ReadInto, tally: Tally) -> ReadInto:
    def counted(target: memoryview) -> int:
        got = read_into(target)
        tally.bytes += got
        return got

    return counted


def _counted_chunks(chunks: Iterable[bytes], tally: Tally) -> Iterator[bytes]:
    for chunk in chunks:
        tally.bytes += len(chunk)
        yield chunk


def _up_to(chunks: Iterator[bytes], size: int) -> bytes:
    taken: list[bytes] = []
    have = 0
    for chunk in chunks:
        taken.append(chunk)
        have += len(chunk)
        if have >= size:
            break
    return b"".join(taken)


def _lines_of(data: bytes) -> int:
    return line_ends(data) + (bool(data) and not data.endswith(b"\n"))
