"""Triage: what can be said without a sign-in. Pure: facts in, a verdict or "an attempt is needed" out.

The rules stand in :data:`RULES` in the order in which they are asked; the first that answers decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts, Authentication, DomainFacts, Lookup

MAX_PASSWORD_LENGTH: Final = 256
GUEST_MARK: Final = "#EXT#"


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
    confirmed_sibling: SiblingFacts | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    credential: CredentialFacts
    lookup: Lookup | None
    domains: tuple[DomainFacts, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict reached without an attempt. ``rule`` names the row of :data:`RULES` that decided."""

    rule: str
    verdict: Verdict
    certainty: Certainty | None
    because: str
    why_not_more_certain: str = ""


@dataclass(frozen=True, slots=True)
class NeedsAttempt:
    account: AccountFacts
    notes: tuple[str, ...] = ()


Rule: TypeAlias = Callable[[Facts], Decision | None]


def triage(facts: Facts) -> Decision | NeedsAttempt | None:
    """The first rule's decision, or the account that an attempt is needed for.

    ``None`` means that the directory must be asked for the account first: call again with a lookup.
    """
    for rule in RULES:
        decision = rule(facts)
        if decision is not None:
            return decision
    if facts.lookup is None or facts.lookup.account is None:
        return None
    return NeedsAttempt(facts.lookup.account, _notes(facts, facts.lookup.account))


def domain_of(name: str, domains: tuple[DomainFacts, ...]) -> DomainFacts | None:
    return next((domain for domain in domains if domain.name == name.lower()), None)


def _hash_only(facts: Facts) -> Decision | None:
    if not facts.credential.is_hash:
        return None
    return Decision(
        "hash only",
        Verdict.NOT_TESTABLE,
        None,
        "Only a hash of the password leaked; a hash cannot be signed in with.",
        "The password behind the hash may still be the account's.",
    )


def _domain_not_verified(facts: Facts) -> Decision | None:
    domain = domain_of(facts.credential.login_domain, facts.domains)
    if domain is not None and domain.is_verified:
        return None
    return Decision(
        "domain not verified here",
        Verdict.NOT_TESTABLE,
        None,
        f"{facts.credential.login_domain} is not a verified domain of the connected directory, so Emberwatch "
        "sends nothing about it.",
        "Another directory may hold the account.",
    )


def _not_found(facts: Facts) -> Decision | None:
    lookup = facts.lookup
    if lookup is None or lookup.account is not None:
        return None
    searched = ", ".join(lookup.searched)
    gone = f" It was deleted on {lookup.deleted_at:%Y-%m-%d}." if lookup.deleted_at else ""
    return Decision(
        "account not found",
        Verdict.ACCOUNT_NOT_FOUND,
        Certainty.PROVED if lookup.complete else Certainty.LIKELY,
        f"The directory holds no account with this login (searched: {searched}).{gone}",
        "" if lookup.complete else "The directory refused a part of the search, so an alias may be missed.",
    )


def _disabled(facts: Facts) -> Decision | None:
    account = _account(facts)
    if account is None or account.enabled is not False:
        return None
    return Decision(
        "account disabled",
        Verdict.ACCOUNT_DISABLED,
        Certainty.PROVED,
        "The account is disabled in the directory.",
    )


def _guest(facts: Facts) -> Decision | None:
    account = _account(facts)
    if account is None:
        return None
    if account.user_type.lower() != "guest" and GUEST_MARK not in account.user_principal_name.upper():
        return None
    return Decision(
        "guest account",
        Verdict.NOT_TESTABLE,
        None,
        "The account is a guest: its password belongs to another organisation.",
        "Only the guest's home directory could check it.",
    )


def _federated(facts: Facts) -> Decision | None:
    account = _account(facts)
    if account is None:
        return None
    name = account.user_principal_name.rpartition("@")[2]
    domain = domain_of(name, facts.domains)
    if domain is None or not domain.is_verified:
        return Decision(
            "sign-in domain not verified here",
            Verdict.NOT_TESTABLE,
            None,
            f"The account signs in with {name}, which is not a verified domain of this directory.",
            "Emberwatch tests accounts of verified domains only.",
        )
    if domain.authentication is Authentication.MANAGED:
        return None
    return Decision(
        "federated domain",
        Verdict.NOT_TESTABLE,
        None,
        f"Sign-ins of {name} are federated: the directory answers “wrong” there even to a right password.",
        "Only the federated identity provider could check it.",
    )


def _blank_edged(facts: Facts) -> Decision | None:
    if not facts.credential.blank_edged:
        return None
    return Decision(
        "blank at an edge",
        Verdict.NOT_TESTABLE,
        None,
        "The leaked value begins or ends with a blank, which this kind of sign-in does not carry.",
        "The blank may belong to the password, or only to the file that it was found in.",
    )


def _too_long(facts: Facts) -> Decision | None:
    if facts.credential.length <= MAX_PASSWORD_LENGTH:
        return None
    return Decision(
        "longer than any password",
        Verdict.IMPOSSIBLE,
        Certainty.PROVED,
        f"The value is longer than the {MAX_PASSWORD_LENGTH} characters that a password has at most.",
    )


def _sibling_confirmed(facts: Facts) -> Decision | None:
    account, sibling = _account(facts), facts.credential.confirmed_sibling
    if account is None or sibling is None:
        return None
    changed = account.last_password_change_at
    if changed is not None and changed > sibling.confirmed_at:
        return None
    return Decision(
        "another password was confirmed",
        Verdict.SUPERSEDED,
        Certainty.PROVED,
        f"The directory accepted another leaked password of this account on {sibling.confirmed_at:%Y-%m-%d %H:%M} "
        f"UTC (credential {sibling.credential_id}), and the password has not been changed since.",
    )


# What needs no directory comes first; what protects an account comes before what saves an attempt.
RULES: Final[tuple[Rule, ...]] = (
    _hash_only,
    _domain_not_verified,
    _too_long,
    _not_found,
    _disabled,
    _guest,
    _federated,
    _blank_edged,
    _sibling_confirmed,
)


def _account(facts: Facts) -> AccountFacts | None:
    return facts.lookup.account if facts.lookup else None


def _notes(facts: Facts, account: AccountFacts) -> tuple[str, ...]:
    changed, leaked = account.last_password_change_at, facts.credential.leaked_at
    if changed is None or leaked is None or changed <= leaked:
        return ()
    return (
        f"The password was changed on {changed:%Y-%m-%d}, after the leak of {leaked:%Y-%m-%d}. It was tried all the "
        "same, because a password can be set back to an old one.",
    )
