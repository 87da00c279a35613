"""The last step of every parser: from the fields of an entry to its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emberwatch.core.secret import Secret
from emberwatch.parsing.base import (
    Dated,
    Flag,
    Foreign,
    Match,
    Outcome,
    ParseContext,
    ParsedCredential,
    Reject,
    RejectReason,
    SecretKind,
)
from emberwatch.parsing.hashes import HashShape, hash_shape, opaque_hash
from emberwatch.parsing.samples import shape_of
from emberwatch.parsing.urls import without_password

NO_PASSWORD: Final = frozenset(
    {"", "[not_saved]", "not_saved", "unknown", "n/a", "none", "(none)", "[empty]", "null"}
)
NO_LOGIN: Final = frozenset({"", "unknown", "[not_saved]", "n/a", "(none)", "[empty]", "null"})


@dataclass(slots=True)
class Entry:
    """One entry as cut from the text. ``password`` is ``None`` when nothing stood for it."""

    line: int
    login: str
    password: str | None
    url: str = ""
    application: str = ""
    flags: tuple[str, ...] = ()
    salt: str | None = None
    hashed: bool = False
    """It stood where the file keeps hashes: what has the outline of one is one, of whatever type."""
    source: str = ""
    dated: Dated | None = None

    def __repr__(self) -> str:
        return f"Entry(line={self.line})"

    @property
    def sample(self) -> str:
        return shape_of(":".join(part for part in (self.url, self.login, self.password) if part))


def judge(entry: Entry, context: ParseContext, *, mostly_hashes: bool = False) -> Outcome:
    """What the entry is: a credential, somebody else's, or of no use."""
    match = context.match(entry.login, entry.url)
    if match is None:
        return Foreign(entry.line)
    if entry.login.casefold() in NO_LOGIN:
        return Reject(entry.line, RejectReason.NO_LOGIN, entry.sample)
    if entry.password is None or entry.password.strip().casefold() in NO_PASSWORD:
        return Reject(entry.line, RejectReason.NO_PASSWORD, entry.sample)
    shape = hash_shape(entry.password, mostly_hashes=mostly_hashes or entry.hashed)
    if shape is None and entry.hashed:
        shape = opaque_hash(entry.password)
    return _credential(entry, entry.password, shape, match)


def _credential(entry: Entry, password: str, shape: HashShape | None, match: Match) -> ParsedCredential:
    url = without_password(entry.url)
    salt = shape.salt if shape and shape.salt is not None else entry.salt if shape else None
    return ParsedCredential(
        login=entry.login,
        secret=Secret(shape.digest if shape else password),
        kind=SecretKind.HASH if shape else SecretKind.PLAINTEXT,
        hash_types=shape.types if shape else (),
        url=url,
        line=entry.line,
        application=entry.application,
        flags=entry.flags + _flags(entry, password, url),
        salt=Secret(salt) if salt is not None else None,
        match=match,
        source=entry.source,
        dated=entry.dated,
    )


def _flags(entry: Entry, password: str, url: str) -> tuple[str, ...]:
    flags: tuple[str, ...] = ()
    if password != password.strip():
        flags += (Flag.BLANK_EDGE,)
    if "\ufffd" in password or "\ufffd" in entry.login:
        flags += (Flag.DAMAGED_TEXT,)
    return (*flags, Flag.URL_PASSWORD_REMOVED) if url != entry.url else flags
