"""Saving what an operator chooses for a directory, and the list of what is never tried. Each change is audited.

Runs read the choices anew with every slice, so a change holds for what is under way too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import required_connection
from emberwatch.engine.facts import announce
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require
from emberwatch.validation.choices import budget_policy, policy_of
from emberwatch.validation.models import ProtectedEntry, ValidationPolicy
from emberwatch.validation.options import (
    LONGEST_NOTE,
    NAMES,
    Choices,
    checked,
    difference,
    protected_value,
)
from emberwatch.validation.policy import Hybrid, Mode, ProtectedKind

Revision: TypeAlias = Callable[[Choices], Choices]


def choices_of(policy: ValidationPolicy) -> Choices:
    """The stored row as one value."""
    stored = {name: getattr(policy, name) for name in NAMES}
    kinds = {
        "mode": Mode(policy.mode),
        "automatic_mode": Mode(policy.automatic_mode),
        "hybrid": Hybrid(policy.hybrid),
        "egress_addresses": tuple(policy.egress_addresses),
    }
    return Choices(**(stored | kinds))


def rule_of(connection: DirectoryConnection) -> int:
    """Failed attempts per account and 24 hours that the lockout rule allows at most in this directory."""
    policy = budget_policy(connection, synced=False, single_try=False)
    return replace(policy, tightened_to=None).failed_attempts_allowed


def save_choices(
    tenant: Tenant, revise: Revision, *, actor: Actor, now: datetime, directory: UUID | None = None
) -> ValidationPolicy:
    """Stores what ``revise`` makes of the present choices. Raises :class:`BadInput` with ``field``."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    with transaction.atomic():
        connection = _locked_connection(tenant, directory)
        policy = policy_of(connection)
        before = choices_of(policy)
        after = checked(revise(before), rule_of(connection))
        changed = difference(before, after)
        if changed or policy.updated_at is None:
            _store(policy, after, now)
            subject = f"directory:{connection.entra_tenant_id}"
            record(tenant.id, "validation.choices_saved", subject, actor=actor, now=now, facts=changed)
            announce("validation.choices_saved", tenant_id=str(tenant.id))
    return policy


def _store(policy: ValidationPolicy, choices: Choices, now: datetime) -> None:
    for name, value in asdict(choices).items():
        setattr(policy, name, list(value) if isinstance(value, tuple) else value)
    policy.updated_at = now
    policy.save()


def _locked_connection(tenant: Tenant, directory: UUID | None) -> DirectoryConnection:
    found = required_connection(tenant.id, directory)
    return DirectoryConnection.objects.select_for_update().get(pk=found.pk)


def protect(
    tenant: Tenant,
    kind: str,
    value: str,
    note: str = "",
    *,
    actor: Actor,
    now: datetime,
    directory: UUID | None = None,
) -> ProtectedEntry:
    """Puts an account, a group or a role on the list of what is never tried; one that is on it stays."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    wanted = _kind(kind)
    value, note = protected_value(wanted, value), " ".join(note.split())
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"A note has at most {LONGEST_NOTE} characters.", field="note")
    with transaction.atomic():
        connection = _locked_connection(tenant, directory)
        entry, is_new = ProtectedEntry.objects.get_or_create(
            connection=connection,
            kind=wanted,
            value=value,
            defaults={"note": note, "added_by": actor.label, "added_at": now},
        )
        if is_new:
            _record(tenant, "validation.protected", entry, actor, now)
    return entry


def unprotect(
    tenant: Tenant, entry_id: UUID | str, *, actor: Actor, now: datetime, directory: UUID | None = None
) -> None:
    """Takes one entry off the list. Another tenant's entry for the same directory still holds."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    with transaction.atomic():
        connection = _locked_connection(tenant, directory)
        entry = access_entry(connection, entry_id)
        _record(tenant, "validation.unprotected", entry, actor, now)
        entry.delete()


def access_entry(connection: DirectoryConnection, entry_id: UUID | str) -> ProtectedEntry:
    """One entry of a connection that was reached through its tenant."""
    try:
        found = ProtectedEntry.objects.filter(connection=connection, pk=UUID(str(entry_id))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("There is no such entry on the list.")
    return found


def entry_named(connection: DirectoryConnection, kind: str, value: str) -> ProtectedEntry:
    """For the command line, where an entry is given by what it protects."""
    wanted = _kind(kind)
    rows = ProtectedEntry.objects.filter(connection=connection, kind=wanted)
    found = rows.filter(value=protected_value(wanted, value)).first()
    if found is None:
        raise NotFound(
            "There is no such entry on the list.", remedy="`emberwatch entra protected` shows the list."
        )
    return found


def entries_of(connection: DirectoryConnection) -> list[ProtectedEntry]:
    """This connection's own list."""
    return list(ProtectedEntry.objects.filter(connection=connection))


def _kind(text: str) -> ProtectedKind:
    try:
        return ProtectedKind(text)
    except ValueError:
        raise BadInput("What is protected is an account, a group or a role.", field="kind") from None


def _record(tenant: Tenant, action: str, entry: ProtectedEntry, actor: Actor, now: datetime) -> None:
    subject = f"{entry.kind}:{entry.value}"
    record(
        tenant.id, action, subject, actor=actor, now=now, reason=entry.note, facts={"entry": str(entry.id)}
    )
