"""Reads of directory connections."""

from __future__ import annotations

from uuid import UUID

from emberwatch.core.errors import NotFound
from emberwatch.directories.models import DirectoryConnection


def connection_of(tenant_id: UUID) -> DirectoryConnection | None:
    return DirectoryConnection.objects.filter(tenant_id=tenant_id).first()


def required_connection(tenant_id: UUID) -> DirectoryConnection:
    connection = connection_of(tenant_id)
    if connection is None:
        raise NotFound(
            "This tenant is not connected to a directory yet.",
            remedy="Configure → Tenants → the tenant → Entra ID Configuration.",
        )
    return connection
