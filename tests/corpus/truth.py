"""What a generated file holds, to be compared with what was read from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import Match, ParseContext

DOMAINS: Final = ("contoso.example", "tailspin.example", "bücher.example")
WATCHED: Final = DomainSet(DOMAINS)


def _is_our_host(host: str) -> bool:
    return WATCHED.owns(f"x@{host}")


CONTEXT: Final = ParseContext(is_ours=WATCHED.owns, host_is_ours=_is_our_host)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is written into a file. Logins are unique within a corpus, so that they identify it."""

    url: str
    login: str
    secret: str
    """Empty: the file tells no password."""
    salt: str = ""
    hashed: bool = False
    match: Match | None = Match.LOGIN
    """``None``: somebody else's."""


@dataclass(frozen=True, slots=True)
class LeakFile:
    """A file of one dialect and all entries in it."""

    dialect: str
    name: str
    data: bytes
    entries: tuple[Entry, ...]
    urls: bool = True
    """Whether the dialect writes urls at all."""
