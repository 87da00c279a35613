"""Reads files that hold one credential a line; the formats built on it differ in what they recognise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from emberwatch.parsing.base import Foreign, LineReader, Noise, Outcome, ParseContext, Reject, RejectReason
from emberwatch.parsing.credentials import Entry, judge
from emberwatch.parsing.decoding import clean, decode
from emberwatch.parsing.line_cut import UNKNOWN, Cut, Order, Profile, cut, stray_logins
from emberwatch.parsing.line_profile import SAMPLE_LINES, learn
from emberwatch.parsing.lines import MAX_LINE, split_lines
from emberwatch.parsing.noise import has_address, is_noise, looks_like_entry
from emberwatch.parsing.prefilter import prefilter
from emberwatch.parsing.samples import shape_of


def read_lines(lines: Iterable[bytes], context: ParseContext) -> Iterator[Outcome]:
    """One outcome a line. The first lines are looked at twice: once to learn the file's habits from them."""
    lines = iter(lines)
    first = list(islice(lines, SAMPLE_LINES))
    reader = _Reader(context, learn(first))
    for number, line in enumerate(chain(first, lines), start=1):
        yield reader.read(number, line)


def line_reader(head: bytes, context: ParseContext) -> LineReader:
    """Reads single lines of the file that begins with ``head``, wherever in it they stand."""
    return _Reader(context, learn(islice(split_lines([head]), SAMPLE_LINES))).read


def parse_line(line: bytes, context: ParseContext, *, profile: Profile = UNKNOWN, number: int = 1) -> Outcome:
    """One line alone. Who reads many of one file learns its habits first: :func:`line_reader`."""
    return _Reader(context, profile).read(number, line)


class _Reader:
    __slots__ = ("_context", "_may_hold_ours", "_profile")

    def __init__(self, context: ParseContext, profile: Profile) -> None:
        self._context = context
        self._profile = profile
        self._may_hold_ours = prefilter(context.hints)

    def read(self, number: int, line: bytes) -> Outcome:
        if len(line) > MAX_LINE:
            return Reject(number, RejectReason.LINE_TOO_LONG, shape_of(line[:1200].decode("latin-1")))
        line = clean(line)
        if self._may_hold_ours(line) and (outcome := self._entry(number, line)):
            return outcome
        return self._of_no_use(number, line)

    def _entry(self, number: int, line: bytes) -> Outcome | None:
        text, flags = decode(line)
        found = cut(text, self._profile)
        if found is None or self._is_prose(found) or _is_quoted(found):
            return self._stray(number, text)
        if found.order is Order.NAME_ONLY and not has_address(line) and is_noise(line):
            return None
        entry = Entry(number, found.login, found.password, found.url, flags=flags)
        return judge(entry, self._context, mostly_hashes=self._profile.mostly_hashes)

    def _is_prose(self, found: Cut) -> bool:
        """ "write to u@contoso.example" is a password-first line only among such lines."""
        return found.order is Order.SECRET_FIRST and found.separator == " " and not self._profile.secret_first

    def _stray(self, number: int, text: str) -> Outcome | None:
        if self._context.is_ours is None or not any(map(self._context.is_ours, stray_logins(text))):
            return None
        return Reject(number, RejectReason.AMBIGUOUS, shape_of(text))

    def _of_no_use(self, number: int, line: bytes) -> Outcome:
        address = has_address(line)
        if not address and is_noise(line):
            return Noise(number)
        if self._context.is_ours is not None and (address or looks_like_entry(line)):
            return Foreign(number)
        return Reject(number, RejectReason.UNREADABLE, shape_of(decode(line)[0]))


def _is_quoted(found: Cut) -> bool:
    """Fields in quotes make a table, whose columns are not cut here."""
    return found.order is Order.NAME_ONLY and found.login.startswith(('"', "'"))
