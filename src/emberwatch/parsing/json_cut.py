"""Cuts JSON objects out of text in flat memory: one object a line, arrays, pretty-printed or all on one line.

A JSON string never spans lines, so a quote that is open at a line end proves damage: what was held is given up and
the next line starts anew. An object larger than :data:`LARGEST`, or one with whole records on lines of their own,
is a wrapper: its inner objects count instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from emberwatch.core.patterns import lazy
from emberwatch.parsing.decoding import decode
from emberwatch.parsing.pieces import Piece

LARGEST: Final = 1024 * 1024
_KEYED: Final = lazy(rb'[{,]\s*"[^"\s@]{1,64}@[^"\s@]{4,253}"\s*:\s*["{]')
_KEYS_STAND_IN: Final = 16 * 1024
_ENDS_OF_VALUES: Final = (b'",', b"},")
_TOKEN: Final = lazy(rb'"(?:[^"\\\n]|\\[^\n])*+"|[{}"\n]')
_OPENING: Final = lazy(rb"[{\"]")
_MOST_DEPTH: Final = 64
_BETWEEN: Final = b" \t\r\n[],\xef\xbb\xbf"
_SHOWN: Final = 1024

Json: TypeAlias = dict[str, object]


def is_keyed(text: bytes) -> bool:
    """Whether an object begins in which addresses are keys."""
    return text.lstrip(_BETWEEN)[:1] == b"{" and _KEYED.search(text, 0, _KEYS_STAND_IN) is not None


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """One object, or ``None`` for text that is none, with the number of its first line."""

    line: int
    value: Json | None
    text: bytes = b""
    cut: bool = False
    """Whether its line was too long to be given whole."""


def documents(
    pieces: Iterable[Piece], is_record: Callable[[Json], bool], *, only_head: bool = False
) -> Iterator[Document]:
    """Every object on top, or just below a wrapper.

    With ``only_head`` the text is the beginning of a longer one, so that what is open at its end is a wrapper.
    """
    cutter = _Cutter(is_record)
    for piece in pieces:
        if piece.cut:
            yield Document(piece.line, None, piece.data[:_SHOWN], cut=True)
        else:
            yield from cutter.feed(piece)
    yield from cutter.open_wrappers() if only_head else cutter.finish()


class _Cutter:
    __slots__ = ("_held", "_is_record", "_junk", "_line", "_open", "_scanned")

    def __init__(self, is_record: Callable[[Json], bool]) -> None:
        self._is_record = is_record
        self._held = b""
        self._scanned = 0
        self._line = 1
        """That ``_scanned`` stands on."""
        self._junk = 0
        """Line that was reported as no JSON last; its other pieces are not reported again."""
        self._open: list[tuple[int, int]] = []
        """Offset in ``_held`` and line of each object that is open and no wrapper."""

    def feed(self, piece: Piece) -> Iterator[Document]:
        if piece.ends and (not self._held or self._scanned == len(self._held)):
            whole = _whole(piece)
            if whole and whole.value is not None and (not self._open or self._is_record(whole.value)):
                yield from self._unwrap()
                self._line = piece.line + 1
                yield whole
                return
            if not self._open and b"{" not in piece.data:
                self._line = piece.line + 1
                yield from self._junk_in(piece)
                return
        elif not self._open and not self._held and not _OPENING.search(piece.data):
            yield from self._junk_in(piece)
        self._held += piece.data + (b"\n" if piece.ends else b"")
        yield from self._scan()

    def finish(self) -> Iterator[Document]:
        if self._open:
            yield self._given_up()

    def _junk_in(self, piece: Piece) -> Iterator[Document]:
        if piece.line != self._junk and piece.data.strip(_BETWEEN + b"}"):
            self._junk = piece.line
            yield Document(piece.line, None, piece.data[:_SHOWN])

    def _scan(self) -> Iterator[Document]:
        at = self._scanned
        while found := _TOKEN.search(self._held, at):
            token, start, at = found[0], found.start(), found.end()
            if token == b"\n":
                self._line += 1
            elif token == b"{":
                self._open.append((start, self._line))
                if len(self._open) > _MOST_DEPTH:
                    yield self._given_up()
            elif token == b"}":
                yield from self._closed(at)
            elif token == b'"':
                end = self._held.find(b"\n", start)
                if end < 0 and len(self._held) - start < LARGEST:
                    at = start
                    break
                if self._open:
                    yield self._given_up()
                at = end if end >= 0 else len(self._held)
        else:
            at = len(self._held)
        self._scanned = at
        yield from self._trim()

    def _closed(self, end: int) -> Iterator[Document]:
        if self._open:
            start, line = self._open.pop()
            if not self._open:
                yield _document(line, self._held[start:end])

    def _trim(self) -> Iterator[Document]:
        keep = self._open[0][0] if self._open else self._scanned
        if keep:
            self._held = self._held[keep:]
            self._scanned -= keep
            self._open = [(at - keep, line) for at, line in self._open]
        if not self._open or len(self._held) <= LARGEST:
            return
        yield from self._split_keyed() if is_keyed(self._held[self._open[0][0] :]) else self._open_wrapper()

    def _split_keyed(self) -> Iterator[Document]:
        """Ends the object behind its last whole value, and goes on with another one that holds the rest.

        Taken apart like a wrapper, what stands under its addresses would be nobody's.
        """
        start, line = self._open[0]
        end = max(self._held.rfind(sign) for sign in _ENDS_OF_VALUES) + 1
        document = _document(line, self._held[start:end] + b"}")
        if document.value is None:
            yield from self._open_wrapper()
            return
        yield document
        self._line = line + self._held.count(b"\n", start, end)
        self._held, self._scanned, self._open = b"{" + self._held[end + 1 :], 0, []
        yield from self._scan()

    def _open_wrapper(self) -> Iterator[Document]:
        start, self._line = self._open[0]
        self._held, self._scanned, self._open = self._held[start + 1 :], 0, []
        yield from self._scan()

    def open_wrappers(self) -> Iterator[Document]:
        """Looks into whatever is open."""
        while self._open:
            yield from self._open_wrapper()

    def _unwrap(self) -> Iterator[Document]:
        """A record on a line of its own within something open: that is a wrapper, or a line that was cut."""
        if self._open and not self._held.rstrip().endswith((b"[", b",", b"{", b":")):
            yield self._given_up()
        self._held, self._scanned, self._open = b"", 0, []

    def _given_up(self) -> Document:
        start, line = self._open[0]
        self._open = []
        return Document(line, None, self._held[start : start + _SHOWN])


def _whole(piece: Piece) -> Document | None:
    """The usual case, an object that fills its line."""
    text = piece.data.strip(_BETWEEN)
    return _document(piece.line, text) if text.startswith(b"{") and text.endswith(b"}") else None


def _document(line: int, text: bytes) -> Document:
    try:
        value = json.loads(decode(text)[0], strict=False)
    except (ValueError, RecursionError):
        return Document(line, None, text[:_SHOWN])
    return Document(line, value if isinstance(value, dict) else None, text[:_SHOWN])
