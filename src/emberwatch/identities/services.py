"""Writes of identities: what a look-up brought, and asking for a reading of the whole directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.directories.base import AccountFacts
from emberwatch.directories.changes import AccountChange
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import required_connection
from emberwatch.engine.facts import announce
from emberwatch.exposures.unmatched import forget_matches
from emberwatch.identities.models import (
    ChangeTrack,
    DirectorySync,
    Group,
    GroupMember,
    Identity,
    SyncState,
)
from emberwatch.identities.storing import Copy, Reading, store_accounts
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require

_LENGTHS: Final = {"display_name": 256, "user_type": 32, "external_state": 64, "password_policies": 128}


@dataclass(frozen=True, slots=True)
class Remembered:
    """An identity as it is stored now. ``password_changed``: its password is another one than when it was last read."""

    identity: Identity
    password_changed: bool


def remember(tenant_id: UUID, entra_tenant_id: UUID, account: AccountFacts) -> Remembered:
    """Stores what the directory has just said about an account."""
    return remember_all(tenant_id, entra_tenant_id, [account])[account.object_id]


def remember_all(
    tenant_id: UUID, entra_tenant_id: UUID, accounts: Sequence[AccountFacts]
) -> dict[UUID, Remembered]:
    """Stores what the directory has just said about many accounts, by their object ids."""
    if not accounts:
        return {}
    by_id = {account.object_id: account for account in accounts}
    changes = [AccountChange(account.object_id, _told(account)) for account in by_id.values()]
    read_at = min(account.read_at for account in by_id.values())
    with transaction.atomic():
        stored = store_accounts(Copy(tenant_id, entra_tenant_id), changes, Reading(read_at))
        rows = Identity.objects.filter(
            tenant_id=tenant_id, entra_tenant_id=entra_tenant_id, object_id__in=sorted(by_id)
        )
        found = list(rows)
    changed = set(stored.password_changed)
    return {row.object_id: Remembered(row, row.pk in changed) for row in found}


def _told(account: AccountFacts) -> dict[str, object]:
    told: dict[str, object] = {
        "user_principal_name": account.user_principal_name,
        "display_name": account.display_name,
        "mail": account.mail,
        "enabled": account.enabled,
        "user_type": account.user_type,
        "synced": account.synced,
        "external_state": account.external_state,
        "last_password_change_at": account.last_password_change_at,
        "account_created_at": account.created_at,
        "password_policies": account.password_policies,
        "proxy_addresses": list(account.proxy_addresses),
        "other_mails": list(account.other_mails),
        "on_premises_sam": account.on_premises_sam,
        "on_premises_upn": account.on_premises_upn,
        "on_premises_domain": account.on_premises_domain,
    }
    return told | {name: str(told[name])[:length] for name, length in _LENGTHS.items()}


def remember_without_password(entra_tenant_id: UUID, object_id: UUID, at: datetime) -> None:
    """The sign-in service said that the account has no password; true for every tenant of the directory."""
    rows = Identity.objects.filter(entra_tenant_id=entra_tenant_id, object_id=object_id)
    rows.update(without_password_at=at)


def request_sync(
    tenant: Tenant, *, actor: Actor, now: datetime, directory: UUID | None = None
) -> DirectorySync:
    """Asks for a reading of the tenant's directory as soon as possible; one that is under way serves too.

    Raises :class:`Conflict` when the connection is switched off.
    """
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    connection = required_connection(tenant.id, directory)
    if connection.status == ConnectionStatus.DISABLED:
        raise Conflict("The directory connection is switched off.", remedy="An admin can switch it on again.")
    with transaction.atomic():
        sync = locked_sync(connection)
        sync.is_asked_for, sync.requested_by, sync.requested_at = True, actor.label, now
        if sync.state != SyncState.RUNNING:
            sync.state, sync.sentence, sync.next_at = SyncState.WAITING, "", now
        sync.save()
        record(tenant.id, "directory.sync_requested", _subject(connection), actor=actor, now=now)
        announce("directory.sync_moves", sync_id=str(sync.id), seconds=0)
    return sync


def set_scope(
    tenant: Tenant, group_id: str, *, actor: Actor, now: datetime, directory: UUID | None = None
) -> DirectorySync:
    """Limits the reading to the members of one group, or to none with an empty id; all is read anew then."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    wanted = _group_id(group_id)
    connection = required_connection(tenant.id, directory)
    with transaction.atomic():
        sync = locked_sync(connection)
        if sync.group_id == wanted:
            return sync
        begin_anew(sync)
        sync.group_id, sync.next_at = wanted, now
        sync.save()
        facts = {"group_id": str(wanted or "")}
        record(tenant.id, "directory.scope_changed", _subject(connection), actor=actor, now=now, facts=facts)
    return sync


def remove_directory(tenant: Tenant, directory: UUID, *, actor: Actor, now: datetime) -> None:
    """Ends a tenant's connection to a directory: its keys, its choices and the copy of its accounts go.

    Verdicts and the record of what was sent stay. Credentials of its accounts are matched anew.
    """
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    place = {"tenant_id": tenant.id, "entra_tenant_id": directory}
    with transaction.atomic():
        # Whoever reads the directory just now finds that its place is gone, and stores nothing more.
        connection = required_connection(tenant.id, directory)
        DirectoryConnection.objects.select_for_update().get(pk=connection.pk)
        forget_matches(tenant.id, directory)
        facts = {"client_id": str(connection.client_id), "accounts": Identity.objects.filter(**place).count()}
        record(tenant.id, "directory.removed", _subject(connection), actor=actor, now=now, facts=facts)
        connection.delete()
        for table in (GroupMember, Group, Identity):
            table.objects.filter(**place).delete()
        announce("directory.removed", tenant_id=str(tenant.id))


def _group_id(text: str) -> UUID | None:
    try:
        return UUID(text.strip()) if text.strip() else None
    except ValueError:
        raise BadInput(
            "The group's Object ID is not an ID such as 00000000-0000-0000-0000-000000000000.",
            remedy="Entra admin center → Groups → the group → Overview → Object ID.",
            field="group_id",
        ) from None


def _subject(connection: DirectoryConnection) -> str:
    return f"directory:{connection.entra_tenant_id}"


def locked_sync(connection: DirectoryConnection) -> DirectorySync:
    """The row of a connection, made when there is none, locked until the caller's transaction ends."""
    DirectorySync.objects.bulk_create(
        [
            DirectorySync(
                tenant_id=connection.tenant_id,
                connection=connection,
                entra_tenant_id=connection.entra_tenant_id,
            )
        ],
        ignore_conflicts=True,
    )
    sync = DirectorySync.objects.select_for_update().get(connection=connection)
    if sync.entra_tenant_id != connection.entra_tenant_id:
        begin_anew(sync)
        sync.entra_tenant_id = connection.entra_tenant_id
        sync.save()
    return sync


def begin_anew(sync: DirectorySync) -> None:
    """Forgets how far the directory was read; what is stored stays until the next reading has been through."""
    ChangeTrack.objects.filter(sync=sync).update(sealed_delta_link=None, full_since=None)
    sync.stage, sync.sealed_position = "", None
    sync.refusals, sync.read_ats = {}, {}
