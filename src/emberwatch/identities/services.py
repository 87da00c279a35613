"""Writes of identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.directories.base import AccountFacts
from emberwatch.identities.models import Identity

_FIELDS: Final = (
    "user_principal_name",
    "display_name",
    "mail",
    "enabled",
    "user_type",
    "synced",
    "external",
    "last_password_change_at",
    "account_created_at",
    "without_password_at",
    "read_at",
)


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
    wanted = {account.object_id: account for account in accounts}
    with transaction.atomic():
        # In one order everywhere, so that two workers never wait for each other.
        rows = Identity.objects.select_for_update().filter(
            tenant_id=tenant_id, entra_tenant_id=entra_tenant_id, object_id__in=sorted(wanted)
        )
        known = {row.object_id: row for row in rows.order_by("object_id")}
        changed = {key: _is_changed(row, wanted[key]) for key, row in known.items()}
        stored = [
            _described(
                known.get(key) or Identity(tenant_id=tenant_id, entra_tenant_id=entra_tenant_id), facts
            )
            for key, facts in sorted(wanted.items())
        ]
        Identity.objects.bulk_create(
            stored,
            update_conflicts=True,
            unique_fields=["tenant", "entra_tenant_id", "object_id"],
            update_fields=_FIELDS,
        )
        # Somebody else may have made a row first: its id is the one that counts.
        ids = dict(rows.values_list("object_id", "pk"))
    for row in stored:
        row.pk = ids[row.object_id]
    return {row.object_id: Remembered(row, changed.get(row.object_id, False)) for row in stored}


def _is_changed(row: Identity, account: AccountFacts) -> bool:
    """Whether the password was changed since the account was last read; without an older date, since that reading."""
    changed, known = account.last_password_change_at, row.last_password_change_at or row.read_at
    return changed is not None and known is not None and changed > known


def _described(row: Identity, account: AccountFacts) -> Identity:
    if _is_changed(row, account):
        row.without_password_at = None
    row.object_id = account.object_id
    row.user_principal_name = account.user_principal_name
    row.display_name = account.display_name[:256]
    row.mail = account.mail
    row.enabled = account.enabled
    row.user_type = account.user_type[:32]
    row.synced = account.synced
    row.external = account.external
    row.last_password_change_at = account.last_password_change_at
    row.account_created_at = account.created_at
    row.read_at = account.read_at
    return row


def remember_without_password(entra_tenant_id: UUID, object_id: UUID, at: datetime) -> None:
    """The sign-in service said that the account has no password; true for every tenant of the directory."""
    rows = Identity.objects.filter(entra_tenant_id=entra_tenant_id, object_id=object_id)
    rows.update(without_password_at=at)
