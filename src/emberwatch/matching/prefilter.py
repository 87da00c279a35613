"""Looks for all literals at once in a large block of bytes, and sorts out the hits that only look like ours.

What is left has to be parsed to be sure; what is dropped here cannot be ours.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import hyperscan

from emberwatch.matching.literals import Literal, literals_of, outermost
from emberwatch.matching.watchlist import Watchlist

Buffer: TypeAlias = bytes | bytearray
Compiled: TypeAlias = bytes
"""A database of the search engine as bytes. Only what this installation wrote may be loaded."""

_LABEL: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-")
_NAME: Final = re.compile(rb"[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*")
_VAIN_EVERY: Final = 256 * 1024
"""One vain hit of one literal in so many bytes is too much."""
_FEW: Final = 4
_FIRST_LOOK: Final = 4096

# The engine has several ways to look for literals, and picks one by how many there are and how short the shortest
# one is. Between two and some hundreds its choice is a poor one for text that is full of similar names: it takes a
# table that is too small, or it looks at every fourth byte alone and has to check most of what it finds. Literals
# that no text holds, one of three bytes and enough of eight, make it choose better: twice as fast, and nothing else.
_FEW_ENOUGH: Final = 800
_MANY_ENOUGH: Final = 65
_BALLAST: Final = (
    b"\x02\x03\x04",
    *(bytes(1 + (number >> 3 * place) % 8 for place in range(8)) for number in range(7, 7 + 64 * 37, 37)),
)


class Prefilter:
    """Where in a block may something watched stand?"""

    __slots__ = ("_begins", "_database", "_lengths", "_literals", "_names", "_texts")

    def __init__(
        self, watched: Watchlist, literals: Sequence[Literal], compiled: Compiled | None = None
    ) -> None:
        self._literals = literals
        self._lengths = [len(literal.text) for literal in literals]
        self._begins = [literal.begins_name for literal in literals]
        self._texts: dict[bytes, list[int]] = {}
        for which, literal in enumerate(literals):
            self._texts.setdefault(literal.text.encode(), []).append(which)
        self._names = frozenset(name.encode() for name in outermost(watched.names))
        self._database = _load(compiled) if compiled is not None else _compile(literals)

    def compiled(self) -> Compiled:
        return hyperscan.dumpb(self._database)

    def places(self, block: Buffer, end: int) -> Iterator[tuple[int, int]]:
        """Start and end of each hit within ``block[1:end]``, by its end.

        ``block[0]`` stands for what is in front of the block: a line end.
        """
        names, match = self._names, _NAME.match
        for start, stop, begins in self._hits(block, end):
            if begins:
                found = match(block, start, end)
                if found is None or bytes(found[0]).lower() not in names:
                    continue
            yield start, stop

    def holds(self, block: Buffer, end: int) -> bool:
        """Whether there is any hit in ``block[1:end]``."""
        # Most blocks of a large text that hold one hit hold it early, and looking on would gather all the others.
        return any(True for upto in (min(end, _FIRST_LOOK), end) for _ in self.places(block, upto))

    def ends_in(self, lines: bytes) -> list[int]:
        """Where in whole lines each hit ends, in order."""
        return [stop - 1 for _, stop in self.places(b"\n" + lines, len(lines) + 1)]

    def common(self, samples: Iterable[bytes]) -> frozenset[str]:
        """Texts of literals that are found all over the samples, mostly where nothing watched stands."""
        seen: Counter[int] = Counter()
        size, number = 0, len(self._literals)
        for sample in samples:
            size += len(sample)
            self._database.scan(sample, lambda which, *_: seen.update((which,) if which < number else ()))
            for start, stop in self.places(b"\n" + sample, len(sample) + 1):
                seen.subtract(self._texts.get(sample[start - 1 : stop - 1].lower(), ()))
        most = max(_FEW, size // _VAIN_EVERY)
        return frozenset(self._literals[which].text for which, number in seen.items() if number > most)

    def _hits(self, block: Buffer, end: int) -> list[tuple[int, int, bool]]:
        """Start and end, and whether a watched name may begin there."""
        hits: list[tuple[int, int, bool]] = []
        append, lengths, begins, number = hits.append, self._lengths, self._begins, len(self._lengths)

        # Most hits at the end of a longer label are dropped right here: this runs a million times.
        def on_hit(which: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            if which >= number:
                return
            start = stop - lengths[which]
            if begins[which]:
                if block[start - 1] not in _LABEL:
                    append((start, stop, True))
            else:
                append((start, stop, False))

        with memoryview(block) as view:
            # Any buffer will do; the stubs of the library name str and bytes alone.
            self._database.scan(view[:end], on_hit)  # type: ignore[type-var]
        return hits


def prefilter_for(watched: Watchlist, noisy: Iterable[str] = ()) -> Prefilter:
    return Prefilter(watched, literals_of(watched, noisy))


def engine() -> str:
    """What a compiled database is bound to."""
    return f"hyperscan {getattr(hyperscan, '__version__', '')} {os.uname().machine}"


def _compile(literals: Sequence[Literal]) -> hyperscan.Database:
    expressions = [literal.expression for literal in literals]
    expressions += map(re.escape, _ballast(len(literals)))
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=expressions,
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_DOTALL] * len(expressions),
    )
    return database


def _ballast(literals: int) -> Sequence[bytes]:
    if literals < 2 or literals > _FEW_ENOUGH:
        return ()
    return _BALLAST[: max(1, _MANY_ENOUGH - literals)]


def _load(compiled: Compiled) -> hyperscan.Database:
    database = hyperscan.loadb(compiled, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database
