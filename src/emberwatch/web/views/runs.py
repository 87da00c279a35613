"""Validate feed: starting a run, watching it, and pausing, resuming or cancelling it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of
from emberwatch.validation.models import MOVING_STATES, OPEN_RUN_STATES, Run
from emberwatch.validation.queries import access_run, is_at_rest, newest_runs, progress_of_run
from emberwatch.validation.runs import cancel_run, open_run, pause_run, resume_run, start_run
from emberwatch.web.access import actor_of, enter_tenant
from emberwatch.web.frames import framed

PAGE_SIZE: Final = 50


def listing(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    before = _keyset(request.GET.get("before", ""))
    found = newest_runs(tenant, before=before, limit=PAGE_SIZE + 1)
    shown = {
        "tenant": tenant,
        "runs": found[:PAGE_SIZE],
        "before": before,
        "older": found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
        "is_moving": any(not is_at_rest(run, utc_now()) for run in found[:PAGE_SIZE]),
        "open_run": open_run(tenant.id),
        "may": permissions_of(actor_of(request), tenant),
    }
    return framed(request, "runs/listing.html", shown)


def _keyset(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("before needs the id of a run.", field="before") from None


@require_POST
def start(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.VALIDATE)
    run = start_run(tenant, actor=actor, now=utc_now())
    return redirect("run", tenant.id, run.id)


def one(request: HttpRequest, tenant_id: UUID, run_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    run, now = access_run(actor_of(request), tenant_id, run_id), utc_now()
    shown = {
        "tenant": tenant,
        "run": run,
        "progress": progress_of_run(run, now),
        "is_moving": not is_at_rest(run, now),
        "may_pause": run.state in MOVING_STATES,
        "is_open": run.state in OPEN_RUN_STATES,
        # Screen readers hear a state once, however often it is asked for.
        "has_moved": request.GET.get("was", run.state) != run.state,
        "may": permissions_of(actor_of(request), tenant),
    }
    return framed(request, "runs/run.html", shown)


def _moved(service: Callable[..., Run]) -> Callable[..., HttpResponse]:
    def view(request: HttpRequest, tenant_id: UUID, run_id: UUID) -> HttpResponse:
        actor = actor_of(request)
        run = service(access_run(actor, tenant_id, run_id), actor=actor, now=utc_now())
        return redirect("run", tenant_id, run.id)

    return require_POST(view)


pause = _moved(pause_run)
resume = _moved(resume_run)
cancel = _moved(cancel_run)
