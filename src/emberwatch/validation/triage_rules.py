"""What each rule of triage looks at. Pure; the order in which they are asked stands in ``triage.py``."""

from __future__ import annotations

from typing import Final

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts, Authentication, DomainFacts, Memberships
from emberwatch.validation.policy import Hybrid, ProtectedKind
from emberwatch.validation.triage_facts import (
    CredentialFacts,
    Facts,
    Finding,
    LeakDate,
    Needs,
    Protected,
    domain_of,
)

MAX_PASSWORD_LENGTH: Final = 256
MIN_PASSWORD_LENGTH: Final = 8
KINDS_OF_CHARACTERS: Final = 3
"""Of lower case, upper case, digits and signs: what a password of a cloud-only account holds at least."""
GUEST_MARK: Final = "#EXT#"
WEAK_PASSWORDS_ALLOWED: Final = "DisableStrongPassword"


def hash_only(facts: Facts) -> Finding | None:
    if not facts.credential.is_hash:
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        "Only a hash of the password leaked; a hash cannot be signed in with.",
        "The password behind the hash may still be the account's.",
    )


def domain_not_verified(facts: Facts) -> Finding | None:
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


def too_long(facts: Facts) -> Finding | None:
    if facts.credential.length <= MAX_PASSWORD_LENGTH:
        return None
    return Finding(
        Verdict.IMPOSSIBLE,
        Certainty.LIKELY,
        f"The value is longer than the {MAX_PASSWORD_LENGTH} characters that a password has at most.",
        "The value may be a password with something else behind it; no sign-in could tell.",
    )


def ambiguous(facts: Facts) -> Finding | Needs | None:
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


def not_found(facts: Facts) -> Finding | Needs | None:
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


def disabled(facts: Facts) -> Finding | None:
    account = account_in(facts)
    if account is None or account.enabled is not False:
        return None
    return Finding(Verdict.ACCOUNT_DISABLED, Certainty.PROVED, "The account is disabled in the directory.")


def guest(facts: Facts) -> Finding | None:
    account = account_in(facts)
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


def federated(facts: Facts) -> Finding | None:
    account = account_in(facts)
    domain = sign_in_domain_in(facts)
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


def sign_in_domain_not_verified(facts: Facts) -> Finding | None:
    account = account_in(facts)
    if account is None:
        return None
    domain = sign_in_domain_in(facts)
    if domain is not None and domain.is_verified:
        return None
    name = account.user_principal_name.rpartition("@")[2]
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        f"The account signs in with {name}, which is not a verified domain of this directory.",
        "Emberwatch tests accounts of verified domains only.",
    )


def without_password(facts: Facts) -> Finding | None:
    account, since = account_in(facts), facts.without_password_since
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


def blank_edged(facts: Facts) -> Finding | None:
    if not facts.credential.blank_edged:
        return None
    return Finding(
        Verdict.NOT_TESTABLE,
        None,
        "The leaked value begins or ends with a blank, which this kind of sign-in does not carry.",
        "The blank may belong to the password, or only to the file that it was found in.",
    )


def sibling_confirmed(facts: Facts) -> Finding | None:
    account, sibling = account_in(facts), facts.credential.confirmed_sibling
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


def changed_since_the_leak(facts: Facts) -> Finding | None:
    account, leaked = account_in(facts), facts.credential.leaked_at
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


def against_the_rules(facts: Facts) -> Finding | None:
    account = account_in(facts)
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


def protected(facts: Facts) -> Finding | Needs | None:
    account = account_in(facts)
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
def account_in(facts: Facts) -> AccountFacts | None:
    return facts.lookup.account if facts.lookup else None


def sign_in_domain_in(facts: Facts) -> DomainFacts | None:
    account = account_in(facts)
    return domain_of(account.user_principal_name.rpartition("@")[2], facts.domains) if account else None


def _checked_in_the_cloud(facts: Facts, account: AccountFacts) -> bool:
    """A federated account whose password the cloud checks for us: synced, and the operator says it is set up."""
    return facts.statement.cloud_password_validation and account.synced


def _shows_changes(facts: Facts, account: AccountFacts) -> bool:
    """Whether a password change, wherever it is made, moves the date that the directory gives."""
    return not account.synced or facts.statement.hybrid is Hybrid.PASSWORD_HASH_SYNC
