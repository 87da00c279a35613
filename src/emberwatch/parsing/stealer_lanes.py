"""Blocks that look alike: most blocks of a file have one outline, and a whole block is then cut out at one go.

A lane gives, for the blocks that it takes, exactly what reading them line by line gives; all others it leaves alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from emberwatch.core.patterns import lazy
from emberwatch.parsing.credentials import Entry
from emberwatch.parsing.lines import MAX_LINE
from emberwatch.parsing.stealer_keys import Field, fields_in_line, key_and_value

SEPARATOR: Final = lazy(r"\s*[=\-_*~+#]{3,}\s*")
_MOST_LANES: Final = 4
_MOST_TRIES: Final = 40
_MOST_LINES: Final = 16
# In the longest encoding of a character, so that no line within can be one that is too long to be parsed.
_LONGEST: Final = MAX_LINE // 4
_NEEDED: Final = frozenset({Field.LOGIN, Field.PASSWORD})


@dataclass(frozen=True, slots=True)
class Lane:
    """One outline of a block: lines with these fields, and ``tail`` lines without any."""

    pattern: re.Pattern[str]
    fields: tuple[Field, ...]
    tail: int
    _places: tuple[int, ...]
    """Of each of :data:`_READ`, its group; the last one, which is empty, where the outline has no such field."""

    def login(self, found: re.Match[str]) -> str:
        """Without the blanks around it."""
        return (*found.groups(), "")[self._places[0]].strip()

    def entry(self, found: re.Match[str], line: int) -> Entry:
        texts = (*found.groups(), "")
        login, password, url, site, software, profile = [texts[place] for place in self._places]
        return entry_of(line, login, password, url if url.strip() else site, software, profile)


_READ: Final = (Field.LOGIN, Field.PASSWORD, Field.URL, Field.SITE, Field.SOFTWARE, Field.PROFILE)


def entry_of(line: int, login: str, password: str | None, url: str, software: str, profile: str) -> Entry:
    software, profile = software.strip(), profile.strip()
    application = f"{software} [{profile}]" if profile else software
    return Entry(line, login.strip(), password, url.strip(), application)


class Lanes:
    """The outlines of one file, learnt as it is read."""

    __slots__ = ("_lanes", "_tries")

    def __init__(self) -> None:
        self._lanes: list[Lane] = []
        self._tries = 0

    def find(self, text: str, at: int, opening: Field | None) -> tuple[Lane, re.Match[str]] | None:
        """The block that begins at ``at``, if it has an outline that is known or can be learnt from it."""
        if (known := self.known(text, at)) is not None:
            return known
        if len(self._lanes) >= _MOST_LANES or self._tries >= _MOST_TRIES:
            return None
        self._tries += 1
        learnt = _lane_at(text, at, opening)
        if learnt is None:
            return None
        self._lanes.append(learnt)
        found = _match(learnt, text, at)
        return (learnt, found) if found is not None else None

    def known(self, text: str, at: int) -> tuple[Lane, re.Match[str]] | None:
        """The block that begins at ``at``, if it has an outline that is known."""
        for lane in self._lanes:
            if (found := _match(lane, text, at)) is not None:
                return lane, found
        return None


def _match(lane: Lane, text: str, at: int) -> re.Match[str] | None:
    found = lane.pattern.match(text, at)
    return found if found is not None and found.end() - at <= _LONGEST else None


class _Key(NamedTuple):
    name: str
    prefix: str
    """As spelled, with the colon."""
    field: Field
    value: str


def _lane_at(text: str, at: int, opening: Field | None) -> Lane | None:
    lines = list(islice(_lines(text, at), _MOST_LINES))
    keys = list(_keys(lines))
    tail = list(_tail(lines[len(keys) :]))
    if not _is_block(keys, opening) or len(keys) + len(tail) == len(lines) or fields_in_line(lines[0]):
        return None
    padding = _padding(keys)
    if padding is None:
        return None
    # Without a blank after the colon, one that stands there belongs to the value, and is judged line by line.
    value = r"([^\n]*)" if padding else r"((?![ \t])[^\n]*)"
    pattern = "".join(f"{re.escape(key.prefix + padding)}{value}\\n" for key in keys)
    pattern += "".join(f"{re.escape(line)}\\n" for line in tail) or f"(?={re.escape(keys[0].prefix)})"
    fields = tuple(key.field for key in keys)
    places = tuple(fields.index(field) if field in fields else len(fields) for field in _READ)
    return Lane(re.compile(pattern), fields, len(tail), places)


def _lines(text: str, at: int) -> Iterator[str]:
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1


def _keys(lines: Sequence[str]) -> Iterator[_Key]:
    """The lines with keys that the block begins with, up to the key that begins the next one."""
    names: set[str] = set()
    for line in lines:
        found = key_and_value(line)
        if found is None or found[0] in names:
            return
        name, field, value = found
        names.add(name)
        yield _Key(name, line[: len(line) - len(value)], field, value)


def _tail(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if line and not line.isspace() and not SEPARATOR.fullmatch(line):
            return
        yield line


def _is_block(keys: Sequence[_Key], opening: Field | None) -> bool:
    """Whether read line by line these keys are one block, which the line after them ends."""
    fields = [key.field for key in keys]
    distinct = len(set(fields)) == len(fields)
    return distinct and set(fields) >= _NEEDED and (opening is None or fields[0] is opening)


def _padding(keys: Sequence[_Key]) -> str | None:
    """What stands after every colon; ``None`` where they differ."""
    for padding in (" ", "\t"):
        if all(key.value.startswith(padding) for key in keys):
            return padding
    return None if any(key.value.startswith((" ", "\t")) for key in keys) else ""
