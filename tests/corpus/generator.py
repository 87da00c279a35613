"""A whole corpus: every dialect, in every encoding and with every sort of line end that it can have."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from emberwatch.parsing.base import Match
from tests.corpus.dialects import DIALECTS, Dialect
from tests.corpus.people import People
from tests.corpus.truth import Entry, LeakFile

ENCODINGS: Final = ("plain", "crlf", "mark", "utf-16", "utf-16-be", "nuls", "cr", "cp1252", "joined")
_ONE_LINE_ONLY: Final = ("cr", "crlf")
"""Line ends within a quoted field would change with them, so multi-line values are left out of those files."""


def corpus(seed: int, entries: int) -> Iterator[LeakFile]:
    """Files of ``entries`` entries each; each dialect comes in all encodings by turns."""
    people = People(random.Random(seed))
    for number, dialect in enumerate(DIALECTS):
        for shift in (0, 4):
            yield leak_file(dialect, ENCODINGS[(number + shift) % len(ENCODINGS)], people, entries)


def leak_file(dialect: Dialect, encoding: str, people: People, count: int) -> LeakFile:
    """One file."""
    rng = people.random
    made: list[Entry] = []
    while len(made) < count:
        entry = people.entry(bare=dialect.bare_urls, hashed=dialect.hashed, without=dialect.without)
        if dialect.needs_login and entry.match is Match.HOST:
            continue
        if dialect.needs_login:
            entry = replace(entry, url="")
        if entry.hashed and ("salt" in dialect.name or dialect.name == "csv/bar"):
            entry = replace(entry, salt="".join(rng.choices("abcdefXYZ0123!+", k=rng.randint(3, 8))))
        if "salt" in dialect.name and len(entry.secret) not in (32, 40, 64, 128):
            entry = replace(entry, salt="")
        if dialect.fits(entry) and _survives(entry, encoding):
            made.append(entry)
    text = dialect.write(made, rng)
    return LeakFile(
        f"{dialect.name} {encoding}",
        dialect.file_name,
        _encoded(text, encoding, rng),
        tuple(made),
        dialect.urls,
    )


def _survives(entry: Entry, encoding: str) -> bool:
    return encoding not in _ONE_LINE_ONLY or "\n" not in entry.secret


def _encoded(text: str, encoding: str, rng: random.Random) -> bytes:
    if encoding == "crlf":
        return text.replace("\n", "\r\n").encode()
    if encoding == "cr":
        return text.replace("\n", "\r").encode()
    if encoding == "mark":
        return b"\xef\xbb\xbf" + text.encode()
    if encoding == "utf-16":
        return text.encode("utf-16")
    if encoding == "utf-16-be":
        return b"\xfe\xff" + text.encode("utf-16-be")
    if encoding == "nuls":
        return b"".join(
            line + (b"\0" if rng.random() < 0.2 else b"") for line in text.encode().splitlines(keepends=True)
        )
    if encoding == "cp1252":
        return b"\n".join(_western(line) for line in text.split("\n"))
    return text.encode()


def _western(line: str) -> bytes:
    """In Windows-1252 where it can be written so and is not read as UTF-8 by chance."""
    try:
        data = line.encode("cp1252")
        if data.decode("utf-8", "replace") != line and "\ufffd" not in data.decode("utf-8", "replace"):
            return line.encode()
        return data
    except UnicodeEncodeError:
        return line.encode()
