"""What triage decides on and what it answers: facts of a credential, its account and its directory. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts, DomainFacts, LeakDetection, Lookup, Memberships
from emberwatch.validation.policy import ProtectedKind, Statement


class LeakDate(StrEnum):
    """What the date of a leak rests on, the best first."""

    INFECTION = "infection"
    BREACH = "breach"
    STATED = "stated"
    FIRST_SEEN = "first_seen"
    ACCEPTED = "accepted"
    """Not a date of the leak: the directory accepted this very password then, so only a later change tells."""

    @property
    def words(self) -> str:
        return _DATE_WORDS[self]

    @property
    def margin(self) -> timedelta:
        """How far the date may be off: foreign clocks, unnamed time zones, days without an hour."""
        return _DATE_MARGINS[self]


_DATE_WORDS: Final[Mapping[LeakDate, str]] = {
    LeakDate.INFECTION: "on which the machine was infected",
    LeakDate.BREACH: "of the breach",
    LeakDate.STATED: "that was stated for the leak",
    LeakDate.FIRST_SEEN: "on which it was first seen here",
    LeakDate.ACCEPTED: "on which the directory accepted this password",
}
_DATE_MARGINS: Final[Mapping[LeakDate, timedelta]] = {
    LeakDate.INFECTION: timedelta(days=1),
    LeakDate.BREACH: timedelta(days=2),
    LeakDate.STATED: timedelta(days=2),
    LeakDate.FIRST_SEEN: timedelta(hours=1),
    LeakDate.ACCEPTED: timedelta(0),
}


@dataclass(frozen=True, slots=True)
class SiblingFacts:
    """Another credential of the same identity whose password the directory accepted."""

    credential_id: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """What triage may know of a credential: never the secret itself, only its features."""

    login: str
    login_domain: str
    is_hash: bool
    length: int
    blank_edged: bool
    leaked_at: datetime | None
    leak_date: LeakDate = LeakDate.STATED
    classes: str = "aA1"
    """``a`` lower case, ``A`` upper case, ``1`` digits, ``#`` anything else."""
    plain_characters: bool = True
    """Nothing but letters without accents, digits, signs and blanks."""
    confirmed_sibling: SiblingFacts | None = None


@dataclass(frozen=True, slots=True)
class Protected:
    """One entry of the list of what is never tried. ``value`` is lower case."""

    kind: ProtectedKind
    value: str


NOTHING_STATED: Final = Statement()


@dataclass(frozen=True, slots=True)
class Facts:
    credential: CredentialFacts
    lookup: Lookup | None
    domains: tuple[DomainFacts, ...]
    statement: Statement = NOTHING_STATED
    protected: frozenset[Protected] = frozenset()
    memberships: Memberships | None = None
    memberships_refused: str = ""
    """Why groups and roles could not be read, if so."""
    leak_detection: LeakDetection | None = None
    without_password_since: datetime | None = None
    """A sign-in was answered "this account has no password" then."""
    confirming: bool = False
    """A likely verdict is not enough: rules that a sign-in can confirm are left out."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says: a verdict, the fact behind it, and why it is not more certain."""

    verdict: Verdict
    certainty: Certainty | None
    because: str
    why_not_more_certain: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict reached without an attempt. ``rule`` names the row of :data:`RULES` that decided."""

    rule: str
    verdict: Verdict
    certainty: Certainty | None
    because: str
    why_not_more_certain: str = ""


class Needs(StrEnum):
    """Facts that have to be read before triage can go on."""

    ACCOUNT = "account"
    MEMBERSHIPS = "memberships"


@dataclass(frozen=True, slots=True)
class NeedsAttempt:
    """``single_try``: at most one failed attempt a day. ``wrong_is_likely``: why a "wrong" would prove little."""

    account: AccountFacts
    notes: tuple[str, ...] = ()
    single_try: bool = False
    wrong_is_likely: str = ""


Answer: TypeAlias = Decision | NeedsAttempt | Needs


def domain_of(name: str, domains: tuple[DomainFacts, ...]) -> DomainFacts | None:
    return next((domain for domain in domains if domain.name == name.lower()), None)
