"""Reads of validations and of the attempts on an account."""

from __future__ import annotations

from uuid import UUID

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import NotFound
from emberwatch.exposures.models import Credential
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.validation.models import OPEN_STATES, Validation


def access_validation(actor: Actor, tenant_id: UUID | str, validation_id: UUID | str) -> Validation:
    """One validation of a tenant; missing and not-yours look the same."""
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    try:
        wanted = UUID(str(validation_id))
    except ValueError:
        raise NotFound("There is no such validation.") from None
    rows = Validation.objects.filter(tenant=tenant, pk=wanted)
    found = rows.select_related("credential__identity", "verdict_record", "tenant").first()
    if found is None:
        raise NotFound("There is no such validation.")
    return found


def open_validation(credential: Credential) -> Validation | None:
    """The validation of a credential that is under way, if there is one."""
    rows = Validation.objects.filter(
        tenant_id=credential.tenant_id, credential=credential, state__in=OPEN_STATES
    )
    return rows.first()
