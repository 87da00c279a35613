"""From a stream of bytes to large blocks of whole lines, in one buffer that is used again and again.

The buffer is small enough for a processor's cache: the search engine and the counting of lines then read what
reading has just brought there. A memory map would save the copy, but a file that is cut short while it is mapped
ends the whole process.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from emberwatch.sources.scan.tidy import is_tidy, tidied

ReadInto: TypeAlias = Callable[[memoryview], int]

READ: Final = 512 * 1024
LONGEST: Final = 1024 * 1024
"""Of a line without an end in so many bytes only the length is of interest."""
_FEW_NULS: Final = 64
OVERLAP: Final = 512
"""More than any literal: what is found across two pieces of one line is found in one of them."""


@dataclass(slots=True)
class Block:
    """``data[1:end]`` holds whole lines; ``data[0]`` is a line end. Good until the next block is asked for."""

    data: bytes | bytearray
    end: int
    piece: bool = False
    """It is the middle of one endless line; the next block goes on with that line."""


def read_blocks(read_into: ReadInto) -> Iterator[Block]:
    """Blocks until ``read_into`` gives nothing more; a last line without an end is in the last one."""
    buffer = bytearray(1 + LONGEST + 2 * READ)
    buffer[0] = 0x0A
    with memoryview(buffer) as view:
        have = 1
        while got := read_into(view[have : have + READ]):
            have += _without_nuls(buffer, view, have, got)
            end = _end_of_lines(buffer, have)
            if end:
                yield _block(buffer, end)
            elif have > LONGEST:
                yield Block(buffer, have, piece=True)
                end = have - OVERLAP
            else:
                continue
            rest = have - end
            view[1 : 1 + rest] = view[end:have]
            have = 1 + rest
        if have > 1:
            yield _block(buffer, have)


def _without_nuls(buffer: bytearray, view: memoryview, start: int, got: int) -> int:
    end = start + got
    nul = buffer.find(0, start, end)
    if nul < 0:
        return got
    kept, tries = nul, _FEW_NULS
    while nul < end and tries:
        begin, tries = nul + 1, tries - 1
        nul = buffer.find(0, begin, end)
        nul = end if nul < 0 else nul
        view[kept : kept + nul - begin] = view[begin:nul]
        kept += nul - begin
    dense = bytes(view[nul:end]).translate(None, b"\0")
    view[kept : kept + len(dense)] = dense
    return kept + len(dense) - start


def _end_of_lines(buffer: bytearray, have: int) -> int:
    """Where the last whole line ends, or 0."""
    end = buffer.rfind(b"\n", 1, have) + 1
    # A CR at the very end may be half of a CRLF.
    return end or buffer.rfind(b"\r", 1, have - 1) + 1


def block_of(text: bytes) -> Block:
    """A whole text in one block, however long its lines are."""
    lines = b"\n" + text.replace(b"\0", b"")
    return Block(lines, len(lines)) if is_tidy(lines, len(lines)) else _tidy(lines)


def _block(buffer: bytearray, end: int) -> Block:
    if is_tidy(buffer, end):
        return Block(buffer, end)
    return _tidy(bytes(buffer[:end]))


def _tidy(lines: bytes) -> Block:
    lines = b"\n" + tidied(lines[1:])
    return Block(lines, len(lines))


class ChunkReader(io.RawIOBase):
    """Chunks of bytes as something that is read into a buffer."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        got = min(len(target), len(self._rest))
        target[:got] = self._rest[:got]
        self._rest = self._rest[got:]
        return got


def as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """UTF-16 text with a byte-order mark as UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
