"""Writes of identities."""

from __future__ import annotations

from uuid import UUID

from emberwatch.directories.base import AccountFacts
from emberwatch.identities.models import Identity


def remember(tenant_id: UUID, entra_tenant_id: UUID, account: AccountFacts) -> Identity:
    """Stores what the directory has just said about an account."""
    identity, _ = Identity.objects.update_or_create(
        tenant_id=tenant_id,
        entra_tenant_id=entra_tenant_id,
        object_id=account.object_id,
        defaults={
            "user_principal_name": account.user_principal_name,
            "display_name": account.display_name[:256],
            "mail": account.mail,
            "enabled": account.enabled,
            "user_type": account.user_type[:32],
            "synced": account.synced,
            "last_password_change_at": account.last_password_change_at,
            "account_created_at": account.created_at,
            "read_at": account.read_at,
        },
    )
    return identity
