"""Reads of imports."""

from __future__ import annotations

from uuid import UUID

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import NotFound
from emberwatch.ingestion.models import Import
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant


def newest_imports(tenant: Tenant, *, before: UUID | None = None, limit: int = 50) -> list[Import]:
    """One page of a tenant's imports, newest first; ids sort by age, so the last id is the keyset."""
    rows = Import.objects.filter(tenant=tenant)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id")[:limit])


def access_import(actor: Actor, tenant_id: UUID | str, import_id: UUID | str) -> Import:
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    try:
        wanted = UUID(str(import_id))
    except ValueError:
        raise NotFound("There is no such import.") from None
    found = Import.objects.filter(tenant=tenant, pk=wanted).first()
    if found is None:
        raise NotFound("There is no such import.")
    return found
