"""Password files of stealer logs: blocks of ``key: value`` lines, read by shape and not by family.

A block ends, in this order of trust, before a key that it already has, at a separator line, and at a blank
line once both login and password were seen (some dialects put a blank line inside a block).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from emberwatch.parsing.base import (
    ANYBODY,
    Flag,
    Noise,
    Outcome,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
    SourceKind,
)
from emberwatch.parsing.credentials import Entry, judge
from emberwatch.parsing.decoding import clean, decode, decode_lines
from emberwatch.parsing.lines import MAX_LINE, lines_of, split_lines, whole_lines
from emberwatch.parsing.noise import has_address, is_noise
from emberwatch.parsing.samples import shape_of
from emberwatch.parsing.stealer_files import is_password_file
from emberwatch.parsing.stealer_keys import Field, browser_line, fields_in_line, has_other_key, key_and_value
from emberwatch.parsing.stealer_lanes import SEPARATOR, Lanes, entry_of

_SURE: Final = 0.95
_SAMPLE_LINES: Final = 400
_PLENTY: Final = 20
_FEW_OTHERS: Final = 4
"""Among so many keys, no more than one line in so many is another: the rest of the sample will not turn that."""
_CREDENTIAL: Final = frozenset({Field.LOGIN, Field.PASSWORD})
_NAMED_SO: Final = 0.3
_QUOTES: Final = ('"', "'")
_MAY_FOLLOW: Final = frozenset({Field.LOGIN, Field.URL})
_OTHERS: Final = (Field.LOGIN, Field.URL, Field.SOFTWARE, Field.PROFILE)


@dataclass(slots=True, repr=False)
class _Block:
    line: int = 0
    keys: set[str] = field(default_factory=set)
    values: dict[Field, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    continuation: str | None = None
    follows: bool = False
    """Whether values stand on the line after their key."""

    @property
    def complete(self) -> bool:
        return Field.LOGIN in self.values and Field.PASSWORD in self.values

    @property
    def password(self) -> str | None:
        """Without the one blank after the colon, if this dialect writes one there: its other fields tell."""
        value = self.values.get(Field.PASSWORD)
        if self.quote:
            return value.strip(" \t")[1:-1] if value else value
        others = [text for of, text in self.values.items() if of is not Field.PASSWORD and text]
        for padding in (" ", "\t"):
            if value and value.startswith(padding) and all(text.startswith(padding) for text in others):
                return value[1:]
        return value

    @property
    def quote(self) -> str:
        """The sign that all of the block's values stand in, if they do."""
        texts = [text.strip() for text in self.values.values() if text.strip()]
        sign = texts[0][0] if len(texts) > 1 else ""
        quoted = sign in _QUOTES and all(len(t) > 1 and t[0] == t[-1] == sign for t in texts)
        return sign if quoted else ""

    def text(self, of: Field) -> str:
        """A value other than the password."""
        text = self.values.get(of, "").strip()
        return text[1:-1] if text and self.quote else text

    def begins_anew_with(self, key: str, of: Field, opening: Field) -> bool:
        """Whether this key opens the next block: it was here before, or blocks of this file begin with it."""
        return key in self.keys or (self.complete and (of in self.values or of is opening))

    def take(self, key: str, of: Field, value: str) -> None:
        self.keys.add(key)
        self.values.setdefault(of, value)


class StealerBlocks:
    """The password file of any stealer family."""

    name = "stealer"
    kind = SourceKind.STEALER_LOG

    def sniff(self, head: bytes, name: str) -> float:
        seen: set[Field] = set()
        keys = others = 0
        for text in islice(_texts(head), _SAMPLE_LINES):
            if found := key_and_value(text):
                seen.add(found[1])
                if not seen >= _CREDENTIAL:
                    seen.update(field for _, field, _ in fields_in_line(text))
                keys += 1
                if keys >= _PLENTY and others * _FEW_OTHERS < keys and seen >= _CREDENTIAL:
                    return _SURE
            elif not is_noise(text.encode("utf-8", "replace")):
                others += 1
        if seen >= _CREDENTIAL and keys > others:
            return _SURE
        return _NAMED_SO if is_password_file(name) else 0.0

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        reader = _Reader(context)
        for line in lines:
            yield from reader.read(line)
        yield from reader.finish()

    def parse_stream(self, chunks: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        """The same outcomes, and most of them sooner: by whole blocks where these look alike."""
        reader = _Reader(context)
        for piece in whole_lines(chunks):
            for outcomes in _of_piece(reader, piece):
                yield from outcomes
        yield from reader.finish()


def _texts(head: bytes) -> Iterator[str]:
    return (decode(clean(line))[0] for line in split_lines([head]) if len(line) <= MAX_LINE)


def _of_piece(reader: _Reader, piece: bytes) -> Iterator[Sequence[Outcome]]:
    text = decode_lines(piece)
    if text is None:
        yield from map(reader.read, lines_of(piece))
        return
    ours = reader.places(piece, text)
    text, at = f"{text}\n", 0
    while at < len(text):
        if ours is not None and reader.is_between and (passed := reader.pass_over(text, at, ours)) > at:
            at = passed
            continue
        if reader.is_between and (read := reader.read_block(text, at)) is not None:
            outcomes, at = read
        else:
            end = text.find("\n", at)
            outcomes, at = reader.read(text[at:end].encode()), end + 1
        yield outcomes


class _Reader:
    __slots__ = (
        "_after_password",
        "_awaited",
        "_block",
        "_context",
        "_in_line",
        "_lanes",
        "_line",
        "_opening",
    )

    def __init__(self, context: ParseContext) -> None:
        self._context = context
        self._line = 0
        self._lanes = Lanes()
        self._block = _Block()
        self._after_password = False
        self._awaited: Field | None = None
        """Of a key without a value, whose value may stand on the next line."""
        self._opening: Field | None = None
        """What the first block of the file began with."""
        self._in_line = False
        """Whether that was a whole block on one line."""

    @property
    def is_between(self) -> bool:
        """Whether the next line is the first one after a block."""
        return not (self._block.keys or self._after_password or self._block.continuation is not None)

    def places(self, piece: bytes, text: str) -> Sequence[int] | None:
        """Where in the text entries of ours may stand; ``None``: anywhere."""
        # Of text with other letters the places in bytes and in characters differ.
        return self._context.places(piece) if self._context.places and len(piece) == len(text) else None

    def pass_over(self, text: str, at: int, ours: Sequence[int]) -> int:
        """Where those blocks from ``at`` on end that have a known outline and in which nothing of ours stands."""
        which = bisect_right(ours, at)
        upto = ours[which] if which < len(ours) else len(text) + 1
        while not self._in_line and (found := self._lanes.known(text, at)) is not None:
            lane, match = found
            if match.end() >= upto or lane.login(match).startswith(_QUOTES):
                break
            self._line += len(lane.fields) + lane.tail
            at = match.end()
        return at

    def read_block(self, text: str, at: int) -> tuple[Sequence[Outcome], int] | None:
        """The block that begins at ``at``, if its outline is known, and where it ends."""
        found = None if self._in_line else self._lanes.find(text, at, self._opening)
        if found is None:
            return None
        lane, match = found
        entry = lane.entry(match, self._line + 1)
        if entry.login.startswith(_QUOTES):
            return None
        self._opening = self._opening or lane.fields[0]
        outcome = judge(entry, self._context)
        begun = self._line + len(lane.fields)
        self._line = begun + lane.tail
        return (outcome, *map(Noise, range(begun + 1, self._line + 1))), match.end()

    # A line yields nothing, as a rule: what it yields is given in one piece, and not by a generator a line.
    def read(self, line: bytes) -> Sequence[Outcome]:
        self._line += 1
        number = self._line
        if len(line) > MAX_LINE:
            self._after_password = False
            return (Reject(number, RejectReason.LINE_TOO_LONG, shape_of(line[:1200].decode("latin-1"))),)
        line = clean(line)
        text, flags = decode(line)
        # Where values stand below their keys, one of them may well look like a key.
        is_value = self._awaited is not None and self._block.follows
        if not is_value and (found := key_and_value(text)):
            if (self._in_line or self._opening is None) and (fields := fields_in_line(text)):
                return self._whole(number, fields, flags)
            return self._key(number, found, flags)
        if software := browser_line(text):
            return self._key(number, ("[", Field.SOFTWARE, f" {software}"), flags)
        return self._other(number, line, text)

    def finish(self) -> Sequence[Outcome]:
        block = self._block
        self._after_password, self._awaited = False, None
        if not block.keys and block.continuation is None:
            return ()
        self._block = _Block()
        values = block.values
        if Field.LOGIN in values or Field.PASSWORD in values or Field.URL in values:
            return _outcomes(block, self._context)
        return ()

    def _whole(
        self, number: int, fields: Sequence[tuple[str, Field, str]], flags: tuple[str, ...]
    ) -> Sequence[Outcome]:
        self._in_line = True
        ended = self.finish()
        for found in fields:
            self._key(number, found, flags)
        return (*ended, *self.finish())

    def _key(self, number: int, found: tuple[str, Field, str], flags: tuple[str, ...]) -> Sequence[Outcome]:
        key, of, value = found
        self._opening = self._opening or of
        ended = self.finish() if self._block.begins_anew_with(key, of, self._opening) else ()
        block = self._block
        block.line = block.line or number
        block.take(key, of, value)
        if flags:
            block.flags = tuple(dict.fromkeys(block.flags + flags))
        self._after_password = of is Field.PASSWORD
        may_follow = of in _MAY_FOLLOW or (of is Field.PASSWORD and block.follows)
        self._awaited = of if may_follow and not value.strip() else None
        return ended

    def _other(self, number: int, line: bytes, text: str) -> Sequence[Outcome]:
        blank = not text or text.isspace()
        awaited, self._awaited = self._awaited, None
        if awaited and not blank and not SEPARATOR.fullmatch(text) and not has_other_key(text):
            self._block.values[awaited] = text
            self._block.follows, self._after_password = True, False
            return ()
        if blank:
            ended = self.finish() if self._block.complete else ()
        elif SEPARATOR.fullmatch(text):
            ended = self.finish()
        elif self._after_password and not has_other_key(text) and _is_text(line):
            self._block.continuation = text
            self._after_password = False
            return ()
        else:
            ended = ()
        self._after_password = self._after_password and blank
        return (*ended, Noise(number))


def _is_text(line: bytes) -> bool:
    return has_address(line) or not is_noise(line)


def _outcomes(block: _Block, context: ParseContext) -> Sequence[Outcome]:
    entry = _entry(block)
    first = judge(entry, context)
    if block.continuation is None:
        return (first,)
    second = judge(replace(entry, password=block.continuation), context)
    if not isinstance(second, ParsedCredential):
        return (first,)
    candidate = replace(second, flags=(*second.flags, Flag.SECOND_CANDIDATE))
    return (candidate,) if isinstance(first, Reject) else (first, candidate)


def _entry(block: _Block) -> Entry:
    login, url, software, profile = map(block.text, _OTHERS)
    url = url or block.text(Field.SITE)
    return replace(entry_of(block.line, login, block.password, url, software, profile), flags=block.flags)
