"""Triage: what can be said without a sign-in. Pure: facts in, a verdict or "an attempt is needed" out.

The rules stand in :data:`RULES` in the order in which they are asked; the first that answers decides. A rule may
also ask for facts that cost a request, which are read only when everything before it has left the question open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emberwatch.directories.base import AccountFacts, Authentication
from emberwatch.validation.policy import Hybrid
from emberwatch.validation.triage_facts import Answer, Decision, Facts, Finding, Needs, NeedsAttempt
from emberwatch.validation.triage_rules import (
    account_in,
    against_the_rules,
    ambiguous,
    blank_edged,
    changed_since_the_leak,
    disabled,
    domain_not_verified,
    federated,
    guest,
    hash_only,
    not_found,
    protected,
    sibling_confirmed,
    sign_in_domain_in,
    sign_in_domain_not_verified,
    too_long,
    without_password,
)

RULES_VERSION: Final = "2026-11-24"


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
    account = account_in(facts)
    return Needs.ACCOUNT if account is None else _needed_attempt(facts, account)


def rule_named(name: str) -> Rule | None:
    return next((rule for rule in RULES if rule.name == name), None)


RULES: Final[tuple[Rule, ...]] = (
    Rule("hash only", hash_only, "the leak", "Says nothing about the password behind the hash."),
    Rule(
        "domain not verified here",
        domain_not_verified,
        "the directory's list of domains",
        "Says nothing about the password; the account may live elsewhere.",
    ),
    Rule(
        "longer than any password",
        too_long,
        "the length of the value",
        "Microsoft's limit for passwords in the cloud; never sent, so never proved.",
    ),
    Rule(
        "several accounts",
        ambiguous,
        "every name that accounts have in the directory or had before",
        "Says nothing about the passwords of any of them; holds as long as they share the name.",
    ),
    Rule(
        "account not found",
        not_found,
        "a search by every name, fresh by sign-in name, mail and alias, and the list of deleted accounts",
        "Only likely when a part of the search was refused; a deleted account can be restored for 30 days.",
    ),
    Rule("account disabled", disabled, "accountEnabled", "Holds until somebody enables the account."),
    Rule("guest account", guest, "the account's type and name", "Says nothing about the password."),
    Rule(
        "sign-in domain not verified here",
        sign_in_domain_not_verified,
        "the sign-in name and the list of domains",
        "Says nothing about the password.",
    ),
    Rule(
        "federated domain",
        federated,
        "the domain's kind of authentication, and what the operator states",
        "Says nothing about the password.",
    ),
    Rule(
        "account without a password",
        without_password,
        "an earlier answer of the sign-in service, and the date of the last password change",
        "Holds until a password is set.",
    ),
    Rule(
        "blank at an edge",
        blank_edged,
        "the value's first and last character",
        "The same value without the blank, if it leaked too, is a credential of its own.",
    ),
    Rule(
        "another password was confirmed",
        sibling_confirmed,
        "an accepted sign-in with another leaked password, and the date of the last password change",
        "Holds until the next password change; only likely when the directory may not learn of changes.",
    ),
    Rule(
        "changed since the leak",
        changed_since_the_leak,
        "the date of the last password change, against the best date of the leak with a margin",
        "A password can be set back to an old one; never more than likely until a sign-in confirms it.",
        confirmable=True,
    ),
    Rule(
        "against the password rules",
        against_the_rules,
        "length and characters of the value, for accounts of the cloud alone without DisableStrongPassword",
        "A password from before the rules may break them; never more than likely until a sign-in confirms it.",
        confirmable=True,
    ),
    Rule(
        "protected account",
        protected,
        "the list of protected accounts, groups and roles; privileged roles and role-assignable groups",
        "Says nothing about the password. Roles that somebody could activate do not show.",
    ),
)


def _needed_attempt(facts: Facts, account: AccountFacts) -> NeedsAttempt:
    domain = sign_in_domain_in(facts)
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
