"""Triage: what can be said without a sign-in. Pure: facts in, a verdict or "an attempt is needed" out.

The rules stand in :data:`RULES` in the order in which they are asked; the first that answers decides. A rule may
also ask for facts that cost a request, which are read only when everything before it has left the question open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import (
    AccountFacts,
    Authentication,
    DomainFacts,
    LeakDetection,
    Lookup,
    Memberships,
)
from emberwatch.validation.policy import Hybrid, ProtectedKind, Statement

RULES_VERSION: Final = "2026-11-24"

MAX_PASSWORD_LENGTH: Final = 256
MIN_PASSWORD_LENGTH: Final = 8
KINDS_OF_CHARACTERS: Final = 3
"""Of lower case, upper case, digits and signs: what a password of a cloud-only account holds at least."""
GUEST_MARK: Final = "#EXT#"
WEAK_PASSWORDS_ALLOWED: Final = "DisableStrongPassword"


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


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. ``rests_on`` and ``limits`` are what the documentation and the evidence say about it."""

    name: str
    decide: Callable[[Facts], Finding | Needs | None]
    rests_on: str
    limits: str
    confirmable: bool = False
    """A sign-in could tell more than the rule does."""


def triage(facts: Facts) -> Answer:
    """The first rule's decision, the facts that are still missing, or the account that an attempt is needed for."""
    for rule in RULES:
        if rule.confirmable and facts.confirming:
            continue
        found = rule.decide(facts)
        if isinstance(found, Needs):
            return found
        if found is not None:
            return Decision(
                rule.name, found.verdict, found.certainty, found.because, found.why_not_more_certain
            )
    account = _account(facts)
    return Needs.ACCOUNT if account is None else _needed_attempt(facts, account)


def rule_named(name: str) -> Rule | None:
    return next((rule for rule in RULES if rule.name == name), None)


def domain_of(name: str, domains: tuple[DomainFacts, ...]) -> DomainFacts | None:
    return next((domain for domain in domains if domain.name == name.lower()), None)


def _hash_only(facts: Facts) -> Finding | None:
    if not facts.credential.is_hash:
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        "Only a hash of the password leaked; a hash cannot be signed in with.",
        "The password behind the hash may still be the account's.",
    )


def _domain_not_verified(facts: Facts) -> Finding | None:
    domain = domain_of(facts.credential.login_domain, facts.domains)
    if domain is not None and domain.is_verified:
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        f"{facts.credential.login_domain} is not a verified domain of the connected directory, so Emberwatch "
        "sends nothing about it.",
        "Another directory may hold the account.",
    )


def _too_long(facts: Facts) -> Finding | None:
    if facts.credential.length <= MAX_PASSWORD_LENGTH:
        return None
    return Finding(
        Verdict.IMPOSSIBLE,
        Certainty.LIKELY,
        f"The value is longer than the {MAX_PASSWORD_LENGTH} characters that a password has at most.",
        "The value may be a password with something else behind it; no sign-in could tell.",
    )


def _ambiguous(facts: Facts) -> Finding | Needs | None:
    if facts.lookup is None:
        return Needs.ACCOUNT
    candidates = facts.lookup.candidates
    if not candidates:
        return None
    named = ", ".join(f"{each.user_principal_name} ({each.found_by})" for each in candidates)
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        f"{len(candidates)} accounts bear this login: {named}. Whose password leaked cannot be told, so nothing is "
        "sent.",
        "One of these accounts may have this password.",
    )


def _not_found(facts: Facts) -> Finding | Needs | None:
    lookup = facts.lookup
    if lookup is None:
        return Needs.ACCOUNT
    if lookup.account is not None:
        return None
    searched = ", ".join(lookup.searched)
    gone = f" It was deleted on {lookup.deleted_at:%Y-%m-%d}." if lookup.deleted_at else ""
    return Finding(
        Verdict.ACCOUNT_NOT_FOUND,
        Certainty.PROVED if lookup.complete else Certainty.LIKELY,
        f"The directory holds no account with this login (searched: {searched}).{gone}",
        "" if lookup.complete else "The directory refused a part of the search, so an alias may be missed.",
    )


def _disabled(facts: Facts) -> Finding | None:
    account = _account(facts)
    if account is None or account.enabled is not False:
        return None
    return Finding(Verdict.ACCOUNT_DISABLED, Certainty.PROVED, "The account is disabled in the directory.")


def _guest(facts: Facts) -> Finding | None:
    account = _account(facts)
    if account is None:
        return None
    is_guest = account.user_type.lower() == "guest" or GUEST_MARK in account.user_principal_name.upper()
    if not (is_guest or account.external):
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        "The account is a guest: its password belongs to another organisation.",
        "Only the guest's home directory could check it.",
    )


def _federated(facts: Facts) -> Finding | None:
    account = _account(facts)
    domain = _sign_in_domain(facts)
    if account is None or domain is None or domain.authentication is Authentication.MANAGED:
        return None
    if _checked_in_the_cloud(facts, account):
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        f"Sign-ins of {domain.name} are federated: the directory answers “wrong” there even to a right password.",
        "Only the federated identity provider could check it, unless cloud password validation is switched on for "
        "Emberwatch's application and stated in its choices for the directory.",
    )


def _sign_in_domain_not_verified(facts: Facts) -> Finding | None:
    account = _account(facts)
    if account is None:
        return None
    domain = _sign_in_domain(facts)
    if domain is not None and domain.is_verified:
        return None
    name = account.user_principal_name.rpartition("@")[2]
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        f"The account signs in with {name}, which is not a verified domain of this directory.",
        "Emberwatch tests accounts of verified domains only.",
    )


def _without_password(facts: Facts) -> Finding | None:
    account, since = _account(facts), facts.without_password_since
    if account is None or since is None:
        return None
    changed = account.last_password_change_at
    if changed is not None and changed > since:
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        f"The directory answered on {since:%Y-%m-%d} that this account has no password in the cloud, and none has "
        "been set since.",
        "The account may sign in without a password; what leaked may be its password elsewhere.",
    )


def _blank_edged(facts: Facts) -> Finding | None:
    if not facts.credential.blank_edged:
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        "The leaked value begins or ends with a blank, which this kind of sign-in does not carry.",
        "The blank may belong to the password, or only to the file that it was found in.",
    )


def _sibling_confirmed(facts: Facts) -> Finding | None:
    account, sibling = _account(facts), facts.credential.confirmed_sibling
    if account is None or sibling is None:
        return None
    changed = account.last_password_change_at
    if changed is not None and changed > sibling.confirmed_at:
        return None
    because = (
        f"The directory accepted another leaked password of this account on {sibling.confirmed_at:%Y-%m-%d %H:%M} "
        f"UTC (credential {sibling.credential_id}), and the password has not been changed since."
    )
    if _shows_changes(facts, account):
        return Finding(Verdict.SUPERSEDED, Certainty.PROVED, because)
    why = "The account is synced, and a change made on premises may not show in the directory's date."
    return Finding(Verdict.SUPERSEDED, Certainty.LIKELY, because, why)


def _changed_since_the_leak(facts: Facts) -> Finding | None:
    account, leaked = _account(facts), facts.credential.leaked_at
    if account is None or leaked is None or account.last_password_change_at is None:
        return None
    changed, basis = account.last_password_change_at, facts.credential.leak_date
    if changed <= leaked + basis.margin:
        return None
    found = facts.leak_detection
    if found is not None and found.detected_at >= changed:
        # Microsoft saw a leaked password in use after that change: the change says nothing then.
        return None
    weak = (
        " The leak has no date of its own; when it was first seen is all that is known."
        if basis is LeakDate.FIRST_SEEN
        else ""
    )
    return Finding(
        Verdict.SUPERSEDED,
        Certainty.LIKELY,
        f"The account's password was changed on {changed:%Y-%m-%d %H:%M} UTC, after {leaked:%Y-%m-%d}: the day "
        f"{basis.words}.",
        f"A password can be set back to an old one, and the date may be off.{weak}",
    )


def _against_the_rules(facts: Facts) -> Finding | None:
    account = _account(facts)
    if account is None or account.synced or WEAK_PASSWORDS_ALLOWED in account.password_policies:
        return None
    broken = _broken_rule(facts.credential)
    if not broken:
        return None
    return Finding(
        Verdict.IMPOSSIBLE,
        Certainty.LIKELY,
        f"The account lives in the cloud only, where a password {broken}.",
        "A password that was set before today's rules, or while they were switched off for the account, may break "
        "them.",
    )


def _broken_rule(credential: CredentialFacts) -> str:
    if credential.length < MIN_PASSWORD_LENGTH:
        return f"has at least {MIN_PASSWORD_LENGTH} characters; this value has fewer"
    if not credential.plain_characters:
        return "holds no accented letters and no signs beyond the usual ones; this value does"
    if len(credential.classes) < KINDS_OF_CHARACTERS:
        return "mixes three of lower case, upper case, digits and signs; this value does not"
    return ""


def _protected(facts: Facts) -> Finding | Needs | None:
    account = _account(facts)
    if account is None:
        return None
    if _lists(facts, ProtectedKind.ACCOUNT, str(account.object_id), account.user_principal_name.lower()):
        return _kept_out("The account is on the list of protected accounts.")
    wanted = not facts.statement.test_privileged or any(
        entry.kind is not ProtectedKind.ACCOUNT for entry in facts.protected
    )
    if not wanted:
        return None
    if facts.memberships is None:
        return _kept_out(facts.memberships_refused) if facts.memberships_refused else Needs.MEMBERSHIPS
    return _protected_by_membership(facts, facts.memberships)


def _protected_by_membership(facts: Facts, memberships: Memberships) -> Finding | None:
    for membership in memberships.memberships:
        kind = ProtectedKind.ROLE if membership.is_role else ProtectedKind.GROUP
        if _lists(facts, kind, membership.key.lower()):
            what = "holds the role" if membership.is_role else "is a member of"
            return _kept_out(
                f"The account {what} {membership.name}, which is on the list of what is protected."
            )
    privileged = next((m for m in memberships.memberships if m.privileged), None)
    if privileged is None or facts.statement.test_privileged:
        return None
    what = "holds the role" if privileged.is_role else "is a member of the role-assignable group"
    return _kept_out(
        f"The account {what} {privileged.name}. Privileged accounts are not tried until an admin allows it."
    )


def _lists(facts: Facts, kind: ProtectedKind, *values: str) -> bool:
    return any(Protected(kind, value) in facts.protected for value in values)


def _kept_out(because: str) -> Finding:
    return Finding(
        Verdict.NOT_TESTABLE, None, because, "Nothing is sent for it, so nothing is known about the password."
    )


# What needs no directory comes first, then what the account's state settles, then what is inferred; what costs a
# further request comes last.
RULES: Final[tuple[Rule, ...]] = (
    Rule("hash only", _hash_only, "the leak", "Says nothing about the password behind the hash."),
    Rule(
        "domain not verified here",
        _domain_not_verified,
        "the directory's list of domains",
        "Says nothing about the password; the account may live elsewhere.",
    ),
    Rule(
        "longer than any password",
        _too_long,
        "the length of the value",
        "Microsoft's limit for passwords in the cloud; never sent, so never proved.",
    ),
    Rule(
        "several accounts",
        _ambiguous,
        "every name that accounts have in the directory or had before",
        "Says nothing about the passwords of any of them; holds as long as they share the name.",
    ),
    Rule(
        "account not found",
        _not_found,
        "a search by every name, fresh by sign-in name, mail and alias, and the list of deleted accounts",
        "Only likely when a part of the search was refused; a deleted account can be restored for 30 days.",
    ),
    Rule("account disabled", _disabled, "accountEnabled", "Holds until somebody enables the account."),
    Rule("guest account", _guest, "the account's type and name", "Says nothing about the password."),
    Rule(
        "sign-in domain not verified here",
        _sign_in_domain_not_verified,
        "the sign-in name and the list of domains",
        "Says nothing about the password.",
    ),
    Rule(
        "federated domain",
        _federated,
        "the domain's kind of authentication, and what the operator states",
        "Says nothing about the password.",
    ),
    Rule(
        "account without a password",
        _without_password,
        "an earlier answer of the sign-in service, and the date of the last password change",
        "Holds until a password is set.",
    ),
    Rule(
        "blank at an edge",
        _blank_edged,
        "the value's first and last character",
        "The same value without the blank, if it leaked too, is a credential of its own.",
    ),
    Rule(
        "another password was confirmed",
        _sibling_confirmed,
        "an accepted sign-in with another leaked password, and the date of the last password change",
        "Holds until the next password change; only likely when the directory may not learn of changes.",
    ),
    Rule(
        "changed since the leak",
        _changed_since_the_leak,
        "the date of the last password change, against the best date of the leak with a margin",
        "A password can be set back to an old one; never more than likely until a sign-in confirms it.",
        confirmable=True,
    ),
    Rule(
        "against the password rules",
        _against_the_rules,
        "length and characters of the value, for accounts of the cloud alone without DisableStrongPassword",
        "A password from before the rules may break them; never more than likely until a sign-in confirms it.",
        confirmable=True,
    ),
    Rule(
        "protected account",
        _protected,
        "the list of protected accounts, groups and roles; privileged roles and role-assignable groups",
        "Says nothing about the password. Roles that somebody could activate do not show.",
    ),
)


def _account(facts: Facts) -> AccountFacts | None:
    return facts.lookup.account if facts.lookup else None


def _sign_in_domain(facts: Facts) -> DomainFacts | None:
    account = _account(facts)
    return domain_of(account.user_principal_name.rpartition("@")[2], facts.domains) if account else None


def _checked_in_the_cloud(facts: Facts, account: AccountFacts) -> bool:
    """A federated account whose password the cloud checks for us: synced, and the operator says it is set up."""
    return facts.statement.cloud_password_validation and account.synced


def _shows_changes(facts: Facts, account: AccountFacts) -> bool:
    """Whether a password change, wherever it is made, moves the date that the directory gives."""
    return not account.synced or facts.statement.hybrid is Hybrid.PASSWORD_HASH_SYNC


def _needed_attempt(facts: Facts, account: AccountFacts) -> NeedsAttempt:
    domain = _sign_in_domain(facts)
    federated = domain is not None and domain.authentication is Authentication.FEDERATED
    return NeedsAttempt(
        account,
        notes=tuple(_notes(facts, account)),
        single_try=account.synced and facts.statement.hybrid is not Hybrid.PASSWORD_HASH_SYNC,
        wrong_is_likely=(
            "The domain is federated: “wrong” counts only as long as the operator's statement about cloud password "
            "validation holds and the synchronisation of password hashes runs."
            if federated
            else ""
        ),
    )


def _notes(facts: Facts, account: AccountFacts) -> list[str]:
    notes = []
    changed, leaked = account.last_password_change_at, facts.credential.leaked_at
    if facts.leak_detection is not None:
        notes.append(
            f"Microsoft found on {facts.leak_detection.detected_at:%Y-%m-%d} that a leaked password was this "
            "account's at that time; it does not say which."
        )
    if changed is not None and leaked is not None and changed > leaked:
        notes.append(
            f"The password was changed on {changed:%Y-%m-%d}, after the leak of {leaked:%Y-%m-%d}. It was tried all "
            "the same, because a password can be set back to an old one."
        )
    if account.synced and facts.statement.hybrid in (Hybrid.UNSTATED, Hybrid.UNKNOWN):
        notes.append(
            "The account is synced from on premises and nobody has stated how its password is checked. State it in "
            "the choices for this directory; until then at most one failed attempt a day is sent."
        )
    return notes
