"""Validate feed: runs that are started, watched, paused, resumed and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.directory_access import ONLY_ONE
from emberwatch.api.paging import Page, Paging
from emberwatch.api.shapes import Id, RunDetailOut, RunOut
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.directories.queries import directory_named
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.validation.models import Run
from emberwatch.validation.queries import access_run, newest_runs, progress_of_run
from emberwatch.validation.runs import cancel_run, pause_run, resume_run, start_run

router = Router(tags=["Runs"])


@router.get("/tenants/{tenant_id}/runs", response=answers(200, Page[RunOut]), operation_id="list_runs")
def list_runs(request: HttpRequest, tenant_id: Id, page: Query[Paging]) -> Page[RunOut]:
    """The tenant's runs, newest first."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_FEED)
    rows = newest_runs(tenant, before=_before(page.cursor), limit=page.limit + 1)
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page[RunOut](
        items=[rendering.run(row) for row in shown], next_cursor=str(shown[-1].id) if more else None
    )


def _before(cursor: str) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise BadInput("The cursor is not one that Emberwatch made.", field="cursor") from None


@router.post("/tenants/{tenant_id}/runs", response=answers(202, RunDetailOut, 409), operation_id="start_run")
def start(
    request: HttpRequest, response: HttpResponse, tenant_id: Id, directory: str = ONLY_ONE
) -> Status[RunDetailOut]:
    """Starts a run over the whole feed, or returns the one that is open.

    Without `directory`, each of the tenant's directories gets a run; the first one is returned.
    """
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.VALIDATE)
    named = directory_named(tenant.id, directory)
    run = start_run(tenant, actor=actor, now=utc_now(), directory=named)
    response.headers["Location"] = reverse("api:get_run", args=[str(tenant.id), str(run.id)])
    return Status(202, _told(run))


@router.get(
    "/tenants/{tenant_id}/runs/{run_id}",
    response=answers(200, RunDetailOut),
    operation_id="get_run",
    url_name="get_run",
)
def get_run(request: HttpRequest, tenant_id: Id, run_id: Id) -> RunDetailOut:
    """Where a run stands."""
    return _told(access_run(actor_of(request), tenant_id, run_id))


@router.post(
    "/tenants/{tenant_id}/runs/{run_id}/pause",
    response=answers(200, RunDetailOut, 409),
    operation_id="pause_run",
)
def pause(request: HttpRequest, tenant_id: Id, run_id: Id) -> RunDetailOut:
    """Nothing more is asked or sent for it until it is resumed; a sign-in under way is waited for."""
    return _moved(request, tenant_id, run_id, pause_run)


@router.post(
    "/tenants/{tenant_id}/runs/{run_id}/resume",
    response=answers(200, RunDetailOut, 409),
    operation_id="resume_run",
)
def resume(request: HttpRequest, tenant_id: Id, run_id: Id) -> RunDetailOut:
    """Goes on with a run that was paused."""
    return _moved(request, tenant_id, run_id, resume_run)


@router.post(
    "/tenants/{tenant_id}/runs/{run_id}/cancel",
    response=answers(200, RunDetailOut, 409),
    operation_id="cancel_run",
)
def cancel(request: HttpRequest, tenant_id: Id, run_id: Id) -> RunDetailOut:
    """Ends a run; the verdicts that it has brought stay."""
    return _moved(request, tenant_id, run_id, cancel_run)


def _moved(request: HttpRequest, tenant_id: str, run_id: str, service: Callable[..., Run]) -> RunDetailOut:
    actor = actor_of(request)
    return _told(service(access_run(actor, tenant_id, run_id), actor=actor, now=utc_now()))


def _told(run: Run) -> RunDetailOut:
    return rendering.run_detail(run, progress_of_run(run, utc_now()))
