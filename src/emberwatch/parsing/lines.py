"""From chunks of bytes to lines, in flat memory, whatever the line ends and however long a line is."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

MAX_LINE: Final = 64 * 1024
"""Longest line that is parsed. A longer one arrives cut to ``MAX_LINE + 1`` bytes, and parsers reject it."""

_MARK: Final = codecs.BOM_UTF8
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends (LF, CRLF or lone CR), NUL bytes dropped, UTF-16 with a mark made UTF-8.

    A byte-order mark ends a line as well: it stands where files were joined.
    """
    for lines in whole_lines(chunks):
        yield from lines_of(lines)


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in pieces of whole lines, each piece without its last line's end; to be cut at LF."""
    rest = b""
    for chunk in as_plain_chunks(chunks):
        lines, end, last = chunk.rpartition(b"\n")
        if end:
            yield rest + lines
            rest = b""
        rest = (rest + last)[: MAX_LINE + 1]
    if rest:
        yield rest


def lines_of(lines: bytes) -> Iterator[bytes]:
    """The lines of such a piece, each as it is given to parsers."""
    for line in lines.split(b"\n"):
        yield from (line[: MAX_LINE + 1],) if _MARK not in line else _parted(line)


def as_plain_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same text with LF for every line end, without NULs, and in UTF-8 if it was UTF-16."""
    return _with_newlines(_without_nuls(_as_utf8(chunks)))


def _parted(line: bytes) -> Iterator[bytes]:
    # A byte-order mark within a line is where two files were joined and the first had no final line end.
    first, *others = (part[: MAX_LINE + 1] for part in line.split(_MARK))
    if first or not any(others):
        yield first
    yield from filter(None, others)


def _as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    chunks = iter(chunks)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 2:
            break
    everything = chain([head], chunks)
    return _from_utf16(everything) if head[:2] in _UTF16_MARKS else everything


def _from_utf16(chunks: Iterable[bytes]) -> Iterator[bytes]:
    # Surrogates that stand alone, and half a character at the very end, become U+FFFD: they cannot be stored.
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")


def _without_nuls(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk.translate(None, b"\0") if b"\0" in chunk else chunk


def _with_newlines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        text = held + chunk
        # A CR at the very end may be half of a CRLF: it waits for the next chunk.
        held = b"\r" if text.endswith(b"\r") else b""
        text = text[: len(text) - len(held)]
        yield text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text
    if held:
        yield b"\n"
