"""The few pieces of SQL that a dump of a table is made of: names, values, column lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from emberwatch.core.patterns import lazy

_NAME: Final = r"(?:`[^`]+`|\"[^\"]+\"|\[[^\]]+\]|[\w$]+)"
_TABLE: Final = rf"(?P<table>{_NAME}(?:\s*\.\s*{_NAME}){{0,2}})"

INSERT: Final = lazy(
    rf"(?:INSERT(?:\s+(?:IGNORE|LOW_PRIORITY|DELAYED|HIGH_PRIORITY))*|REPLACE)(?:\s+INTO)?\s+{_TABLE}"
    r"\s*(?:\((?P<columns>[^()]*)\))?\s*(?:OVERRIDING\s+\w+\s+VALUE\s*)?VALUES?\s*",
    re.IGNORECASE,
)
SET: Final = lazy(
    rf"(?:INSERT(?:\s+(?:IGNORE|LOW_PRIORITY|DELAYED|HIGH_PRIORITY))*|REPLACE)(?:\s+INTO)?\s+{_TABLE}\s+SET\s+",
    re.IGNORECASE,
)
COPY: Final = lazy(
    rf"COPY\s+{_TABLE}\s*(?:\((?P<columns>[^()]*)\))?\s+FROM\s+stdin\b[^;]*;?\s*", re.IGNORECASE
)
CREATE: Final = lazy(
    rf"CREATE\s+(?:TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_TABLE}\s*\(", re.IGNORECASE
)
_NO_COLUMN: Final = lazy(
    r"(?:PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FOREIGN|FULLTEXT|SPATIAL|CHECK|EXCLUDE|LIKE|PERIOD)\b",
    re.IGNORECASE,
)
_COLUMN: Final = lazy(rf"\s*(?P<name>{_NAME})\s+\S", re.DOTALL)

# MySQL takes double quotes for strings too.
_STRING: Final = r"(?:'(?:[^'\\]|''|\\.)*+'|\"(?:[^\"\\]|\"\"|\\.)*+\")"
_PLAIN_STRING: Final = r"'(?:[^']|'')*+'"
_PREFIX: Final = r"(?:N|E|X|B|U&|_\w++\s*+)?"
_OTHER: Final = r"[^'\"(),;]+"


def _value(string: str) -> str:
    # CAST('…' AS nvarchar(50)) and 0x… stand for themselves; a call may hold strings, and one level of brackets.
    inner = rf"(?:{string}|[^'()])*+"
    return rf"(?:{_PREFIX}{string}|{_OTHER}?\((?:{string}|[^'()]|\({inner}\))*+\)[^'(),;]*|{_OTHER})"


def _tuple(string: str) -> re.Pattern[str]:
    value = _value(string)
    return re.compile(
        rf"\s*+\(\s*+(?P<row>{value}(?:,\s*+{value})*+)\s*+\)\s*+(?P<next>[,;]?)", re.DOTALL | re.IGNORECASE
    )


TUPLE: Final = _tuple(_STRING)
PLAIN_TUPLE: Final = _tuple(_PLAIN_STRING)
VALUE: Final = lazy(rf"\s*(?P<value>{_value(_STRING)})\s*(?:,|\Z)", re.DOTALL | re.IGNORECASE)
PLAIN_VALUE: Final = lazy(rf"\s*(?P<value>{_value(_PLAIN_STRING)})\s*(?:,|\Z)", re.DOTALL | re.IGNORECASE)

ASSIGNED: Final = lazy(
    rf"\s*+(?P<name>{_NAME})\s*+=\s*+(?P<value>{_value(_STRING)})\s*+(?P<next>[,;]?)",
    re.DOTALL | re.IGNORECASE,
)

_QUOTED: Final = lazy(r"(?:N|E|B|U&|_\w+\s*)?'(?P<text>.*)'", re.DOTALL | re.IGNORECASE)
_HEX: Final = lazy(r"(?:0x(?P<a>[0-9a-f]*)|X'(?P<b>[0-9a-f]*)')", re.IGNORECASE)
_CAST: Final = lazy(
    r"(?:CAST|CONVERT)\s*\((?P<inner>.*)\s+(?:AS|USING)\s+[\w() ,]+\)", re.DOTALL | re.IGNORECASE
)
_ESCAPE: Final = lazy(r"\\(.)|''", re.DOTALL)
_MEANING: Final[Mapping[str, str]] = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b", "Z": "\x1a"}
_COPY_ESCAPE: Final = lazy(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", re.DOTALL)
_COPY_MEANING: Final[Mapping[str, str]] = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v"}


def plain_name(name: str) -> str:
    """The last part of a name, without its quotes."""
    parts = re.findall(_NAME, name)
    return parts[-1].strip('`"[]') if parts else name.strip()


def column_list(text: str) -> list[str]:
    """Names in the brackets behind a table's name."""
    return [name.strip().strip('`"[]') for name in text.split(",") if name.strip()]


def defined_columns(body: str) -> list[str]:
    """Names of the columns that the body of a CREATE TABLE defines."""
    names = []
    for part in _top_level(body):
        found = _COLUMN.match(part)
        if found and not _NO_COLUMN.match(part.strip()):
            names.append(found["name"].strip('`"[]'))
    return names


def _top_level(body: str) -> list[str]:
    parts: list[str] = []
    depth, start, quote = 0, 0, ""
    for at, letter in enumerate(body):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"`":
            quote = letter
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            if depth < 0:
                return [*parts, body[start:at]]
        elif letter == "," and not depth:
            parts.append(body[start:at])
            start = at + 1
    return [*parts, body[start:]]


def value_of(token: str, *, backslashes: bool) -> str | None:
    """What a literal stands for; ``None`` for NULL."""
    text = token.strip()
    if backslashes and text[:1] == '"' and text[-1:] == '"':
        return _ESCAPE.sub(_meant, text[1:-1].replace('""', '"'))
    if text[:1] == "'" and "\\" not in text and "''" not in text:
        return text[1:-1]
    if cast := _CAST.fullmatch(text):
        text = cast["inner"].strip()
    if text.upper() in ("NULL", "DEFAULT"):
        return None
    if hexed := _HEX.fullmatch(text):
        return _from_hex(hexed["a"] or hexed["b"] or "")
    found = _QUOTED.fullmatch(text)
    if found is None:
        return text
    if not backslashes and text[:1] not in "eE":
        return found["text"].replace("''", "'")
    return _ESCAPE.sub(_meant, found["text"])


def _meant(found: re.Match[str]) -> str:
    letter = found[1]
    return "'" if letter is None else _MEANING.get(letter, f"\\{letter}" if letter in "%_" else letter)


def _from_hex(digits: str) -> str:
    # A column of bytes: text when it reads as such, and a digest otherwise.
    try:
        text = bytes.fromhex(digits).decode("utf-8")
    except ValueError:
        return digits
    return text if text.isprintable() else digits


def copied(field: str) -> str | None:
    """A field of PostgreSQL's COPY text format; ``None`` for NULL."""
    if field == "\\N":
        return None
    return _COPY_ESCAPE.sub(_copy_meant, field) if "\\" in field else field


def _copy_meant(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _COPY_MEANING.get(code, code)
