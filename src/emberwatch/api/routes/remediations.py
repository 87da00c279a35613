"""Remediation: what can be done to an account, plans, and approving, cancelling and undoing them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from emberwatch.api import remediation_rendering as rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page, Paging
from emberwatch.api.remediation_shapes import OffersOut, ReasonIn, RemediateIn, RemediationOut
from emberwatch.api.shapes import Id
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.exposures.queries import access_credential
from emberwatch.remediation.models import RemediationPlan
from emberwatch.remediation.queries import access_plan, newest_plans
from emberwatch.remediation.services import (
    approve_plan,
    cancel_plan,
    offers_of,
    propose,
    request_plan,
    undo_plan,
    wish_for,
)
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

router = Router(tags=["Remediations"])


@router.get(
    "/tenants/{tenant_id}/credentials/{credential_id}/remediations",
    response=answers(200, OffersOut, 409),
    operation_id="list_remediation_offers",
)
def list_offers(request: HttpRequest, tenant_id: Id, credential_id: Id) -> OffersOut:
    """What can be done to the credential's account, and why not what cannot. Asks the directory nothing."""
    credential = access_credential(actor_of(request), tenant_id, credential_id, Permission.VIEW_FEED)
    return rendering.offers(offers_of(wish_for(credential, ()).identity))


@router.get(
    "/tenants/{tenant_id}/remediations",
    response=answers(200, Page[RemediationOut]),
    operation_id="list_remediations",
)
def list_remediations(request: HttpRequest, tenant_id: Id, page: Query[Paging]) -> Page[RemediationOut]:
    """The tenant's plans, newest first."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_FEED)
    rows = newest_plans(tenant, before=_before(page.cursor), limit=page.limit + 1)
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page[RemediationOut](
        items=[rendering.plan(row) for row in shown], next_cursor=str(shown[-1].pk) if more else None
    )


def _before(cursor: str) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise BadInput("The cursor is not one that Emberwatch made.", field="cursor") from None


@router.post(
    "/tenants/{tenant_id}/remediations",
    response=answers(201, RemediationOut, 409) | {200: RemediationOut},
    operation_id="create_remediation",
)
def create(
    request: HttpRequest, response: HttpResponse, tenant_id: Id, wanted: RemediateIn
) -> Status[RemediationOut]:
    """Makes a plan that waits for approval (201), or only says what it would be (200, with `dry_run`)."""
    actor, now = actor_of(request), utc_now()
    credential = access_credential(actor, tenant_id, wanted.credential_id, Permission.REMEDIATE)
    wish = wish_for(credential, wanted.actions, _group(wanted.group_id))
    if wanted.dry_run:
        return Status(200, rendering.proposal(wish, propose(wish, actor=actor), actor, now))
    return _made(response, request_plan(wish, reason=wanted.reason, actor=actor, now=now))


def _group(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("The group needs its object id.", field="group_id") from None


def _made(response: HttpResponse, plan: RemediationPlan) -> Status[RemediationOut]:
    response.headers["Location"] = reverse("api:get_remediation", args=[str(plan.tenant_id), str(plan.pk)])
    return Status(201, rendering.plan(plan))


@router.get(
    "/tenants/{tenant_id}/remediations/{plan_id}",
    response=answers(200, RemediationOut),
    operation_id="get_remediation",
    url_name="get_remediation",
)
def get_remediation(request: HttpRequest, tenant_id: Id, plan_id: Id) -> RemediationOut:
    """Where a plan stands, with its steps and the evidence for each."""
    return rendering.plan(access_plan(actor_of(request), tenant_id, plan_id))


@router.post(
    "/tenants/{tenant_id}/remediations/{plan_id}/approve",
    response=answers(200, RemediationOut, 409),
    operation_id="approve_remediation",
)
def approve(request: HttpRequest, tenant_id: Id, plan_id: Id) -> RemediationOut:
    """Lets a plan be carried out. For a privileged or protected account it has to be somebody else than who asked."""
    actor = actor_of(request)
    plan = access_plan(actor, tenant_id, plan_id, Permission.REMEDIATE)
    return rendering.plan(approve_plan(plan, actor=actor, now=utc_now()))


@router.post(
    "/tenants/{tenant_id}/remediations/{plan_id}/cancel",
    response=answers(200, RemediationOut, 409),
    operation_id="cancel_remediation",
)
def cancel(request: HttpRequest, tenant_id: Id, plan_id: Id) -> RemediationOut:
    """Sends nothing more for it; what was sent stays, and can be undone."""
    actor = actor_of(request)
    plan = access_plan(actor, tenant_id, plan_id, Permission.REMEDIATE)
    return rendering.plan(cancel_plan(plan, actor=actor, now=utc_now()))


@router.post(
    "/tenants/{tenant_id}/remediations/{plan_id}/undo",
    response=answers(201, RemediationOut, 409),
    operation_id="undo_remediation",
)
def undo(
    request: HttpRequest, response: HttpResponse, tenant_id: Id, plan_id: Id, wanted: ReasonIn
) -> Status[RemediationOut]:
    """Makes a plan that takes back exactly what this one did; it waits for approval like any other."""
    actor = actor_of(request)
    plan = access_plan(actor, tenant_id, plan_id, Permission.REMEDIATE)
    return _made(response, undo_plan(plan, reason=wanted.reason, actor=actor, now=utc_now()))
