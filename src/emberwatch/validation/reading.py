"""Gathers the facts that triage decides on: from the credential, the directory, and what the operator states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from emberwatch.accounts.actor import SYSTEM, Actor
from emberwatch.core.clock import Clock
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.base import (
    AccountFacts,
    Directory,
    DirectoryBusy,
    DirectoryError,
    DirectoryUnreachable,
    DomainFacts,
    LeakDetection,
    LeakDetector,
    Lookup,
    Memberships,
)
from emberwatch.directories.gate import hold_reads
from emberwatch.directories.models import DirectoryConnection
from emberwatch.exposures.features import is_blank_edged, is_printable_ascii
from emberwatch.exposures.models import Credential, SecretKind
from emberwatch.exposures.services import NewVerdict, secret_opener, set_verdicts
from emberwatch.identities.models import Identity
from emberwatch.identities.services import Remembered, remember_all
from emberwatch.matching.domains import login_domain
from emberwatch.validation import evidence
from emberwatch.validation.choices import policy_of, protected_of, statement_of
from emberwatch.validation.policy import Statement
from emberwatch.validation.triage import triage
from emberwatch.validation.triage_facts import (
    Answer,
    CredentialFacts,
    Facts,
    LeakDate,
    Needs,
    Protected,
    SiblingFacts,
)

Triaged: TypeAlias = Answer | DirectoryError
"""What triage says of one account of many, or why the directory could not be asked about it just now."""

# What a changed password takes the ground from: it was about the password before the change.
WITHDRAWN_BY_A_CHANGE: Final = (
    Verdict.ACTIVE,
    Verdict.ACTIVE_CHALLENGED,
    Verdict.ACTIVE_EXPIRED,
    Verdict.INACTIVE,
    Verdict.SUPERSEDED,
)


# The directory's clock dates the change, ours the verdict. To withdraw one too many costs a look, no more.
CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for all accounts of a directory at the moment."""

    connection: DirectoryConnection
    domains: tuple[DomainFacts, ...]
    statement: Statement
    protected: frozenset[Protected]

    @classmethod
    def read(cls, connection: DirectoryConnection, directory: Directory) -> Circumstances:
        return cls(
            connection,
            directory.read_domains(),
            statement_of(policy_of(connection)),
            protected_of(connection.entra_tenant_id),
        )

    def facts(self, credential: CredentialFacts, lookup: Lookup | None = None) -> Facts:
        return Facts(credential, lookup, self.domains, self.statement, self.protected)


def credential_facts(
    credential: Credential, secret: Secret, sibling: SiblingFacts | None = None
) -> CredentialFacts:
    leaked_at, basis = best_date_of(credential)
    return CredentialFacts(
        login=credential.login,
        login_domain=login_domain(credential.login) or "",
        is_hash=credential.secret_kind == SecretKind.HASH,
        length=credential.secret_length,
        blank_edged=is_blank_edged(secret),
        leaked_at=leaked_at,
        leak_date=basis,
        classes=credential.secret_classes,
        plain_characters=is_printable_ascii(secret),
        confirmed_sibling=sibling,
    )


def best_date_of(credential: Credential) -> tuple[datetime, LeakDate]:
    """The moment after which a changed password takes the ground from the credential, and what it rests on."""
    if credential.leaked_at is None:
        at, basis = credential.first_seen_at, LeakDate.FIRST_SEEN
    else:
        at, basis = credential.leaked_at, LeakDate(credential.leaked_at_basis or LeakDate.STATED)
    accepted_at = credential.verdict_at if _is_accepted(credential) else None
    return (accepted_at, LeakDate.ACCEPTED) if accepted_at is not None and accepted_at > at else (at, basis)


def _is_accepted(credential: Credential) -> bool:
    return credential.verdict_group == VerdictGroup.ACTIVE and credential.certainty == Certainty.PROVED


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A credential whose password the directory accepted, with the password itself to compare others with."""

    facts: SiblingFacts
    secret: Secret


def confirmed_of(tenant_id: UUID, identity_ids: Sequence[UUID]) -> dict[UUID, Confirmed]:
    """The credential of each identity that was accepted last."""
    rows = Credential.objects.filter(
        tenant_id=tenant_id,
        identity_id__in=identity_ids,
        verdict_group=VerdictGroup.ACTIVE,
        certainty=Certainty.PROVED,
        verdict_at__isnull=False,
    ).order_by("verdict_at", "pk")
    opened = secret_opener(tenant_id)
    return {
        row.identity_id: Confirmed(SiblingFacts(str(row.pk), row.verdict_at), opened(row))
        for row in rows
        if row.identity_id is not None and row.verdict_at is not None
    }


def sibling_of(
    credential: Credential, secret: Secret, confirmed: Mapping[UUID, Confirmed]
) -> SiblingFacts | None:
    """The account's other password that was confirmed; the same one under another login supersedes nothing."""
    found = confirmed.get(credential.identity_id) if credential.identity_id else None
    return found.facts if found is not None and found.secret != secret else None


def meet_accounts(
    tenant_id: UUID,
    connection: DirectoryConnection,
    accounts: Sequence[AccountFacts],
    *,
    actor: Actor,
    clock: Clock,
) -> dict[UUID, Identity]:
    """Stores accounts that were just read; where a password was changed, verdicts about the old one are withdrawn."""
    if not accounts:
        return {}
    with transaction.atomic():
        met = remember_all(tenant_id, connection.entra_tenant_id, accounts)
        withdrawn = [new for each in met.values() if each.password_changed for new in _withdrawn(each)]
        set_verdicts(tenant_id, withdrawn, actor=actor, now=clock())
    return {object_id: each.identity for object_id, each in met.items()}


def withdraw_after_changes(tenant_id: UUID, identity_ids: Sequence[UUID], *, now: datetime) -> None:
    """Passwords of these accounts were changed, as the reading of the directory told: older verdicts are withdrawn."""
    identities = Identity.objects.filter(tenant_id=tenant_id, pk__in=identity_ids).order_by("pk")
    with transaction.atomic():
        withdrawn = [new for identity in identities for new in _withdrawn_since(identity)]
        set_verdicts(tenant_id, withdrawn, actor=SYSTEM, now=now)


def _withdrawn(met: Remembered) -> list[NewVerdict]:
    return _withdrawals(met.identity, Q())


def _withdrawn_since(identity: Identity) -> list[NewVerdict]:
    """A verdict that is younger than the change speaks of the new password."""
    changed = identity.last_password_change_at
    return _withdrawals(identity, Q(verdict_at__lte=changed + CLOCKS_DIFFER)) if changed else []


def _withdrawals(identity: Identity, which: Q) -> list[NewVerdict]:
    changed = identity.last_password_change_at
    if changed is None:
        return []
    rows = Credential.objects.filter(which, identity=identity, verdict__in=WITHDRAWN_BY_A_CHANGE)
    return [
        NewVerdict(
            row, Verdict.UNVALIDATED, None, evidence.of_withdrawal(Verdict(row.verdict).label, changed)
        )
        for row in rows.order_by("pk")
    ]


def leak_detections(directory: Directory, object_ids: Sequence[UUID]) -> dict[UUID, LeakDetection]:
    """The newest detection of each account; nothing where the directory does not offer them or fails to."""
    if not object_ids or not isinstance(directory, LeakDetector):
        return {}
    try:
        found = directory.leak_detections(object_ids)
    except DirectoryError:
        # They sharpen the order and a rule, and decide nothing by themselves.
        return {}
    newest: dict[UUID, LeakDetection] = {}
    for detection in found:
        known = newest.get(detection.object_id)
        if known is None or detection.detected_at > known.detected_at:
            newest[detection.object_id] = detection
    return newest


def with_account(
    facts: Facts, lookup: Lookup, identity: Identity | None, detection: LeakDetection | None
) -> Facts:
    return replace(
        facts,
        lookup=lookup,
        leak_detection=detection,
        without_password_since=identity.without_password_at if identity else None,
    )


def read_memberships(directory: Directory, facts: Sequence[Facts]) -> list[tuple[Facts, Triaged]]:
    """Triage of accounts, with the groups and roles of those for which that alone is still missing."""
    answers = [(each, triage(each)) for each in facts]
    missing = [_object_id(each) for each, answer in answers if answer is Needs.MEMBERSHIPS]
    found = directory.read_memberships(list(dict.fromkeys(missing))) if missing else {}
    return [
        _with_memberships(each, found.get(_object_id(each)))
        if answer is Needs.MEMBERSHIPS
        else (each, answer)
        for each, answer in answers
    ]


def _object_id(facts: Facts) -> UUID:
    if facts.lookup is None or facts.lookup.account is None:
        raise ValueError("triage asks for memberships of accounts that were found")
    return facts.lookup.account.object_id


def _with_memberships(facts: Facts, found: Memberships | DirectoryError | None) -> tuple[Facts, Triaged]:
    """Memberships that the directory refuses keep an account out: it may be a privileged one."""
    if isinstance(found, DirectoryBusy | DirectoryUnreachable):
        return facts, found
    if isinstance(found, Memberships):
        complete = replace(facts, memberships=found)
    else:
        because = "Whether the account is privileged could not be read, so it is treated as if it were."
        complete = replace(
            facts, memberships_refused=f"{because} {found.message}" if found is not None else because
        )
    return complete, triage(complete)


def hold_if_busy(connection: DirectoryConnection, error: DirectoryError, clock: Clock) -> None:
    """A wait that the directory asked one worker for holds for all of them."""
    if isinstance(error, DirectoryBusy) and error.retry_after is not None:
        hold_reads(connection.entra_tenant_id, error.retry_after, clock())
