"""What a parser is, and the words in which it answers.

A parser turns lines into outcomes, one for each entry that it reads, so that counts add up::

    entries read = ParsedCredential + Foreign + Reject          Noise (blank, banner, separator) counts apart
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol, TypeAlias, runtime_checkable

from emberwatch.core.secret import Secret
from emberwatch.parsing.columns import ColumnMap
from emberwatch.parsing.urls import host_of


class SourceKind(StrEnum):
    """What sort of leak the data came from."""

    STEALER_LOG = "stealer_log"
    ULP = "ulp"
    COMBO_LIST = "combo_list"
    BREACH = "breach"
    FEED = "feed"


class SecretKind(StrEnum):
    PLAINTEXT = "plaintext"
    HASH = "hash"


class Match(StrEnum):
    """What makes an entry ours."""

    LOGIN = "login"
    """The login belongs to a monitored domain."""
    HOST = "host"
    """Only the site does: a customer or contractor of ours, or a login that names no domain."""


class Flag(StrEnum):
    """What is unusual about a credential as it was found."""

    BLANK_EDGE = "blank_edge"
    """The secret begins or ends with a blank; it is kept exactly."""
    DECODED_CP1252 = "decoded_cp1252"
    """The line was not UTF-8; each byte became the character that Windows-1252 gives it."""
    DAMAGED_TEXT = "damaged_text"
    """Holds U+FFFD: an earlier hand lost a character, so the secret cannot be exact."""
    SECOND_CANDIDATE = "second_candidate"
    """Stood on the line after the password; may be its continuation, or no password at all."""
    REPEATED = "repeated"
    """The same machine, login, secret and url stood in this leak before."""
    URL_PASSWORD_REMOVED = "url_password_removed"  # noqa: S105 - a flag's name
    """The url held a password of its own, which was replaced by stars."""


class RejectReason(StrEnum):
    LINE_TOO_LONG = "line_too_long"
    NO_LOGIN = "no_login"
    NO_PASSWORD = "no_password"  # noqa: S105 - a reason's name
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    CUT_SHORT = "cut_short"

    @property
    def label(self) -> str:
        return _REJECT_LABELS[self]


_REJECT_LABELS: Final = {
    RejectReason.LINE_TOO_LONG: "The line is longer than 64 KiB",
    RejectReason.NO_LOGIN: "No login stands in the entry",
    RejectReason.NO_PASSWORD: "The login stands without a password",
    RejectReason.AMBIGUOUS: "A monitored address stands in the line, but not where a login would",
    RejectReason.UNREADABLE: "No login and password could be made out",
    RejectReason.CUT_SHORT: "The file is damaged from here on; what stood before was read",
}


@dataclass(frozen=True, slots=True)
class Dated:
    """A date that stood beside a credential, under the name that its column has."""

    name: str
    text: str
    at: datetime | None = None
    """Aware, in UTC; ``None`` when the text gives no time or no zone."""
    day: date | None = None
    """The calendar day, in whatever zone; ``None`` when day and month cannot be told apart."""


# Not frozen, though nobody changes one: there are millions of them, and freezing makes each take thrice as long.
@dataclass(slots=True)
class ParsedCredential:
    """One credential as found."""

    login: str
    secret: Secret
    kind: SecretKind = SecretKind.PLAINTEXT
    hash_types: tuple[str, ...] = ()
    """Every type that the hash's shape allows."""
    url: str = ""
    line: int = 0
    """1-based; of a block, its first line."""
    application: str = ""
    flags: tuple[str, ...] = ()
    salt: Secret | None = None
    match: Match = Match.LOGIN
    source: str = ""
    """The breach that a table names in the credential's own row."""
    dated: Dated | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """An entry whose login, and whose site, belong to none of the monitored domains."""

    line: int


@dataclass(frozen=True, slots=True)
class Reject:
    """An entry that could not be used, and why. The sample shows its shape and none of its characters."""

    line: int
    reason: RejectReason
    sample: str


@dataclass(frozen=True, slots=True)
class Noise:
    """No entry: a blank line, a banner, a separator, an advert, a key without a credential."""

    line: int


Outcome: TypeAlias = ParsedCredential | Foreign | Reject | Noise


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What the caller knows about the logins it looks for; parsing itself knows no domains.

    With ``is_ours``, an entry of anybody else becomes :class:`Foreign`, unless ``host_is_ours`` accepts the host
    of its url. ``hints`` are lower-case literals of which every entry of ours holds at least one; they make
    foreign entries cheaper and change no outcome. Who watches hosts too gives hints that cover them.
    """

    is_ours: Callable[[str], bool] | None = None
    hints: tuple[bytes, ...] = ()
    host_is_ours: Callable[[str], bool] | None = None
    places: Callable[[bytes], Sequence[int]] | None = None
    """For scans, which count no foreign entries: where in some text entries of ours may stand, in order. What lies
    between these places may be left out, and gives no outcome."""
    columns: ColumnMap | None = None
    """For tables: what stands in which column, when a person has put the parser's own idea right."""

    def owns(self, login: str) -> bool:
        return self.is_ours is None or self.is_ours(login)

    def match(self, login: str, url: str) -> Match | None:
        """What makes an entry ours, or ``None``: it is somebody else's."""
        if self.owns(login):
            return Match.LOGIN
        if self.host_is_ours is None or not url:
            return None
        host = host_of(url)
        return Match.HOST if host and self.host_is_ours(host) else None


ANYBODY: Final = ParseContext()


class Parser(Protocol):
    """One format. ``parse`` never raises on any bytes."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> SourceKind: ...

    def sniff(self, head: bytes, name: str) -> float:
        """How sure this parser is, from 0 to 1, that a file of that name beginning so is its own."""
        ...

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        """Outcomes for lines as :func:`emberwatch.parsing.lines.split_lines` gives them."""
        ...


LineReader: TypeAlias = Callable[[int, bytes], Outcome]
"""From a line's number and its bytes to what it is; knows nothing of the lines around it."""


@runtime_checkable
class LineFormat(Protocol):
    """What a parser can also do whose entries are single lines: its files may be cut at any line end."""

    def line_reader(self, head: bytes, context: ParseContext = ANYBODY) -> LineReader:
        """A reader for lines of the file that begins with ``head``, in any order and from any place of it."""
        ...


@runtime_checkable
class StreamFormat(Protocol):
    """What a parser can also do whose entries are no lines: one statement or document may be gigabytes long."""

    def parse_stream(self, chunks: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        """Outcomes for the raw bytes of a file, in flat memory."""
        ...


@runtime_checkable
class Tabular(Protocol):
    """What a parser can also do whose entries have named columns."""

    def columns(self, head: bytes) -> ColumnMap | None:
        """What it would take each column for, to be shown, corrected and given back in a context."""
        ...
