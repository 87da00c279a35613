"""Text for formats whose entries are no lines: lines where they are short, and pieces of them where not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from emberwatch.parsing.lines import MAX_LINE, as_plain_chunks

PIECE: Final = 256 * 1024


class Piece(NamedTuple):
    """Some bytes of line ``line``; ``ends`` when the line end followed them (it is not in ``data``)."""

    line: int
    data: bytes
    ends: bool
    cut: bool = False
    """Whether the rest of the line is lost."""


def pieces_of_chunks(chunks: Iterable[bytes]) -> Iterator[Piece]:
    """The bytes of a file, line ends made LF, in pieces of bounded length."""
    number, rest = 1, b""
    for chunk in as_plain_chunks(chunks):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield from _cut(number, line, ends=True)
            number += 1
        if len(rest) >= PIECE:
            yield Piece(number, rest, False)
            rest = b""
    if rest:
        yield Piece(number, rest, True)


def _cut(number: int, line: bytes, *, ends: bool) -> Iterator[Piece]:
    if len(line) <= PIECE:
        yield Piece(number, line, ends)
        return
    for at in range(0, len(line), PIECE):
        yield Piece(number, line[at : at + PIECE], ends and at + PIECE >= len(line))


def pieces_of_lines(lines: Iterable[bytes]) -> Iterator[Piece]:
    """Lines as they are, each a piece."""
    return (Piece(number, line, True, len(line) > MAX_LINE) for number, line in enumerate(lines, start=1))
