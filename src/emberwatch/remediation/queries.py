"""Reads of remediation."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import NotFound
from emberwatch.exposures.models import Credential
from emberwatch.remediation.models import (
    UNSETTLED_STEPS,
    PlanState,
    RemediationPlan,
    RemediationStep,
)
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

PAGE_SIZE: Final = 50


def access_plan(
    actor: Actor, tenant_id: UUID | str, plan_id: UUID | str, permission: Permission = Permission.VIEW_FEED
) -> RemediationPlan:
    """One plan of a tenant, if the actor may use it so; missing and not-yours look the same."""
    tenant = access_tenant(actor, tenant_id, permission)
    try:
        wanted = UUID(str(plan_id))
    except ValueError:
        raise NotFound("There is no such plan.") from None
    found = _plans().filter(tenant=tenant, pk=wanted).first()
    if found is None:
        raise NotFound("There is no such plan.")
    return found


def _plans() -> QuerySet[RemediationPlan]:
    return RemediationPlan.objects.select_related("tenant", "identity", "credential", "undoes")


def newest_plans(
    tenant: Tenant, *, before: UUID | None = None, state: str = "", limit: int = PAGE_SIZE
) -> list[RemediationPlan]:
    """One page of a tenant's plans with their steps; the last id is the keyset."""
    rows = _plans().filter(tenant=tenant)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    if state:
        rows = rows.filter(state=state)
    return list(rows.prefetch_related("steps").order_by("-id")[:limit])


def plans_for(credential: Credential, limit: int = 10) -> list[RemediationPlan]:
    """The newest plans for the account of a credential, whichever credential they began with."""
    if credential.identity_id is None:
        return []
    rows = _plans().filter(tenant_id=credential.tenant_id, identity_id=credential.identity_id)
    return list(rows.prefetch_related("steps").order_by("-id")[:limit])


def steps_of(plan: RemediationPlan) -> list[RemediationStep]:
    return list(plan.steps.all())


def is_moving(plan: RemediationPlan) -> bool:
    """Whether a page should look again soon: something was sent that is not settled, or is about to be."""
    if plan.state == PlanState.AWAITING_APPROVAL:
        return False
    return any(step.state in UNSETTLED_STEPS for step in plan.steps.all())
