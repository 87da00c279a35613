"""Byte ranges of a large file of lines: where to cut it, and how to read one range.

A line belongs to the range in which it begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from emberwatch.parsing.lines import MAX_LINE, split_lines

BLOCK: Final = 1024**2
_MARK: Final = b"\xef\xbb\xbf"
_MOST_HELD: Final = 8 * BLOCK


@dataclass(frozen=True, slots=True)
class Range:
    start: int
    end: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, and the place in the file at which the next block begins."""

    data: bytes
    end: int


def cut(file: BinaryIO, size: int, *, start: int = 0, first_line: int = 1) -> Iterator[Range]:
    """Ranges of about ``size`` bytes from ``start`` on, each beginning with a line whose number is known."""
    line, begin, end = first_line, start, start
    for block in whole_lines(file, start):
        line += count_lines(block.data)
        end = block.end
        if end - begin >= size:
            yield Range(begin, end, first_line)
            begin, first_line = end, line
    if end > begin:
        yield Range(begin, end, first_line)


def whole_lines(file: BinaryIO, start: int, end: int | None = None) -> Iterator[Block]:
    """The bytes from ``start`` up to ``end``, in blocks that end where a line does.

    Of a line of gigabytes the beginning is given: it is rejected as too long whatever stands in it.
    """
    file.seek(start)
    at, held = start, b""
    while chunk := file.read(BLOCK if end is None else min(BLOCK, end - at)):
        at += len(chunk)
        held += chunk
        if last := held.rfind(b"\n") + 1:
            yield Block(held[:last], at - len(held) + last)
            held = held[last:]
        elif len(held) > _MOST_HELD:
            if last := held.rfind(b"\r", 0, -1) + 1:
                yield Block(held[:last], at - len(held) + last)
                held = held[last:]
            else:
                held = held[: MAX_LINE + 1]
    if held:
        yield Block(held, at)


def count_lines(block: bytes) -> int:
    """How many lines :func:`split_lines` makes of a block."""
    if b"\r" in block or _MARK in block:
        return sum(1 for _ in split_lines([block]))
    return block.count(b"\n") + (not block.endswith(b"\n"))
