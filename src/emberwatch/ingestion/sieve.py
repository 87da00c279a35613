"""Sorts the lines of a block: what may be ours is parsed, the rest is counted at the speed of memory.

A line in which nothing of ours can stand needs no parsing to be somebody else's when it holds an address. The few
lines without one are read, to tell entries from banners and blank lines, and to say which cannot be made out. So the
counts are those of reading line by line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from emberwatch.matching.prefilter import Prefilter
from emberwatch.parsing.base import Foreign, LineReader, Noise, ParsedCredential, Reject
from emberwatch.parsing.lines import MAX_LINE, split_lines
from emberwatch.parsing.noise import has_address

_DIRT: Final = (b"\r", b"\0", b"\xef\xbb\xbf")


@dataclass(slots=True)
class Sifted:
    """``read`` = ``foreign`` + credentials + rejects."""

    next_line: int
    read: int = 0
    foreign: int = 0
    credentials: list[ParsedCredential] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Sieve:
    """Sorts blocks of whole lines of one file."""

    def __init__(self, read: LineReader, prefilter: Prefilter) -> None:
        self._read = read
        self._prefilter = prefilter

    def sift(self, block: bytes, first_line: int) -> Sifted:
        data = _tidy(block)
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        chosen = {at for at, line in enumerate(lines) if not has_address(line) or len(line) > MAX_LINE}
        chosen |= self._hits(data)
        sifted = Sifted(first_line + len(lines), foreign=len(lines) - len(chosen))
        for at in sorted(chosen):
            self._sort(sifted, first_line + at, lines[at])
        sifted.read = sifted.foreign + len(sifted.credentials) + len(sifted.rejects)
        return sifted

    def _hits(self, data: bytes) -> set[int]:
        """Which lines something of ours may stand in."""
        # The filter takes the byte in front of the block for a line's end.
        framed = b"\n" + data
        found, line, counted, done = set[int](), 0, 1, 0
        for start, stop in self._prefilter.places(framed, len(framed)):
            if stop <= done:
                continue
            begin = framed.rfind(b"\n", 0, start) + 1
            line += framed.count(b"\n", counted, begin)
            counted = begin
            end = framed.find(b"\n", stop)
            done = len(framed) if end < 0 else end
            found.add(line)
        return found

    def _sort(self, sifted: Sifted, number: int, line: bytes) -> None:
        outcome = self._read(number, line)
        if isinstance(outcome, Noise):
            return
        if isinstance(outcome, Foreign):
            sifted.foreign += 1
        elif isinstance(outcome, ParsedCredential):
            sifted.credentials.append(outcome)
        else:
            sifted.rejects.append(outcome)


def _tidy(block: bytes) -> bytes:
    """The same lines with nothing but LF between them."""
    if any(dirt in block for dirt in _DIRT):
        return b"".join(line + b"\n" for line in split_lines([block]))
    return block
