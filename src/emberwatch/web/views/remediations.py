"""Remediation: asking for a plan, the plan with its steps, approving, cancelling and undoing it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from emberwatch.accounts.actor import Actor
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.exposures.models import Credential
from emberwatch.exposures.queries import access_credential
from emberwatch.remediation.models import MOVING_STATES, WAITING_STATES, PlanState, RemediationPlan, StepState
from emberwatch.remediation.queries import access_plan, is_moving, newest_plans, steps_of
from emberwatch.remediation.services import (
    approve_plan,
    cancel_plan,
    kinds_of,
    request_plan,
    undo_plan,
    undoable,
    wish_for,
)
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import permissions_of
from emberwatch.web.access import actor_of, enter_tenant, remember_tenant
from emberwatch.web.forms import Form, posted
from emberwatch.web.frames import framed
from emberwatch.web.remediating import remediation_of

PAGE_SIZE: Final = 50


def listing(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    before = _keyset(request.GET.get("before", ""))
    found = newest_plans(tenant, before=before, limit=PAGE_SIZE + 1)
    shown = {
        "tenant": tenant,
        "plans": found[:PAGE_SIZE],
        "before": before,
        "older": found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None,
        "may": permissions_of(actor_of(request), tenant),
    }
    return framed(request, "remediations/listing.html", shown)


def _keyset(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("before needs the id of a plan.", field="before") from None


@require_POST
def ask(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.REMEDIATE)
    remember_tenant(request, credential.tenant)
    typed, chosen = posted(request, "reason", "group_id"), request.POST.getlist("actions")
    try:
        wish = wish_for(credential, kinds_of(chosen), _group(typed["group_id"]))
        plan = request_plan(wish, reason=typed["reason"], actor=actor, now=utc_now())
    except (BadInput, Conflict) as error:
        return _asked_again(request, credential, chosen, Form(typed, error))
    return redirect("remediation", tenant_id, plan.pk)


def _group(text: str) -> UUID | None:
    try:
        return UUID(text.strip()) if text.strip() else None
    except ValueError:
        raise BadInput("The group needs its object id.", field="group_id") from None


def _asked_again(request: HttpRequest, credential: Credential, chosen: list[str], form: Form) -> HttpResponse:
    shown = {
        "credential": credential,
        "tenant": credential.tenant,
        "may": permissions_of(actor_of(request), credential.tenant),
        "remediation": remediation_of(credential),
        "chosen": chosen,
        "form": form,
    }
    return framed(request, "remediations/ask.html", shown, status=HTTPStatus.BAD_REQUEST)


def one(request: HttpRequest, tenant_id: UUID, plan_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    plan = access_plan(actor_of(request), tenant_id, plan_id)
    return framed(request, "remediations/plan.html", {"tenant": tenant} | _shown(request, plan, Form()))


def _shown(request: HttpRequest, plan: RemediationPlan, form: Form) -> dict[str, Any]:
    actor, steps = actor_of(request), steps_of(plan)
    states = {step.state for step in steps}
    was = request.GET.get("was", "")
    now_at = "-".join(sorted(states))
    return {
        "plan": plan,
        "steps": steps,
        "may": permissions_of(actor, plan.tenant),
        "must_be_another": _must_be_another(plan, actor),
        "may_approve": plan.state == PlanState.AWAITING_APPROVAL,
        "may_cancel": plan.state in (*WAITING_STATES, *MOVING_STATES) and StepState.PLANNED in states,
        "undoable": undoable(plan),
        "undone_by": plan.undone_by.exclude(state=PlanState.CANCELLED).first(),
        "is_moving": is_moving(plan),
        "at": now_at,
        # Screen readers hear a state once, however often it is asked for.
        "has_moved": bool(was) and was != now_at,
        "form": form,
    }


def _must_be_another(plan: RemediationPlan, actor: Actor) -> bool:
    return bool(plan.needs_second_person) and plan.requested_by == actor.label


def _moved(service: Callable[..., RemediationPlan]) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, tenant_id: UUID, plan_id: UUID) -> HttpResponse:
        actor = actor_of(request)
        plan = access_plan(actor, tenant_id, plan_id, Permission.REMEDIATE)
        service(plan, actor=actor, now=utc_now())
        return redirect("remediation", tenant_id, plan.pk)

    return require_POST(view)


approve = _moved(approve_plan)
cancel = _moved(cancel_plan)


@require_POST
def undo(request: HttpRequest, tenant_id: UUID, plan_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    plan = access_plan(actor, tenant_id, plan_id, Permission.REMEDIATE)
    remember_tenant(request, plan.tenant)
    typed = posted(request, "reason")
    try:
        made = undo_plan(plan, reason=typed["reason"], actor=actor, now=utc_now())
    except (BadInput, Conflict) as error:
        shown = {"tenant": plan.tenant} | _shown(request, plan, Form(typed, error))
        return framed(request, "remediations/plan.html", shown, status=HTTPStatus.BAD_REQUEST)
    return redirect("remediation", tenant_id, made.pk)
