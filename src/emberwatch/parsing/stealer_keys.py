"""The keys that stealer logs use for their fields; families copy each other, so one table serves them all."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto
from functools import lru_cache
from typing import Final

from emberwatch.core.patterns import lazy


# Of strings: the hash of another enumeration is worked out anew each time that it is looked up by.
class Field(StrEnum):
    SOFTWARE = auto()
    PROFILE = auto()
    URL = auto()
    LOGIN = auto()
    PASSWORD = auto()


_SPELLINGS: Final[Mapping[Field, tuple[str, ...]]] = {
    Field.SOFTWARE: ("soft", "software", "browser", "application", "app", "storage"),
    Field.PROFILE: ("profile",),
    Field.URL: ("url", "host", "hostname", "ur1", "site", "link", "server"),
    Field.LOGIN: ("username", "user name", "login", "user", "user login", "u53rn4m3", "usr", "email"),
    Field.PASSWORD: ("password", "pass", "user password", "p455w0rd"),
}

KEYS: Final[Mapping[str, Field]] = {
    spelling: field for field, spellings in _SPELLINGS.items() for spelling in spellings
}

OTHER_KEYS: Final = frozenset(
    {
        "build", "channel", "comment", "country", "created", "created at", "date", "date created", "date last used",
        "domain", "file", "form", "form url", "free logs", "hwid", "id", "ip", "last used", "log tools", "note",
        "notes", "os", "path", "seller", "source", "telegram", "time", "times used", "title", "type", "version",
        "website name",
    }
)  # fmt: skip
"""Of lines that stand in blocks as well and hold nothing that is read here."""

_LONGEST_KEY: Final = 32
_BROWSER_LINE: Final = lazy(r'\s*\["(?P<browser>[^"]*)"\s*=\s*"(?P<profile>[^"]*)"\]\s*')


def key_and_value(text: str) -> tuple[str, Field, str] | None:
    """The key as spelled (folded), its field, and everything after the colon."""
    key, colon, _ = text[:_LONGEST_KEY].partition(":")
    if not colon:
        return None
    known = _known(key)
    return (*known, text[len(key) + 1 :]) if known else None


# A file repeats its few keys as often as it has entries.
@lru_cache(maxsize=1024)
def _known(key: str) -> tuple[str, Field] | None:
    spelled = _folded(key)
    field = KEYS.get(spelled)
    return (spelled, field) if field else None


def has_other_key(text: str) -> bool:
    """Whether a line belongs to a block by a key that is of no interest."""
    key, colon, _ = text[:_LONGEST_KEY].partition(":")
    return bool(colon) and _folded(key) in OTHER_KEYS


def _folded(key: str) -> str:
    return " ".join(key.strip(" \t-").split()).casefold()


def browser_line(text: str) -> str | None:
    """``["Chrome" = "Default"]`` as ``Chrome [Default]``."""
    found = _BROWSER_LINE.fullmatch(text) if '["' in text else None
    return f"{found['browser']} [{found['profile']}]" if found else None
