"""Directory health: the connection, the sign-ins, the requests."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.directories.calls import KEPT_FOR, CallFilters, calls_page
from emberwatch.validation.health import health_of
from emberwatch.validation.oversight import activity_of
from emberwatch.web.access import enter_directory


def health(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    now = utc_now()
    wanted = {name: request.GET[name] for name in ("failed", "service") if request.GET.get(name)}
    filters = CallFilters(wanted.get("failed") == "yes", wanted.get("service", ""))
    before = _place(request.GET.get("before", ""))
    calls, next_before = calls_page(connection, filters, before)
    shown = {
        "tenant": tenant,
        "connection": connection,
        "health": health_of(connection, now),
        "activity": activity_of(connection, now),
        "calls": calls,
        "wanted": wanted,
        "before": before,
        "next_before": next_before,
        "kept_days": KEPT_FOR.days,
    }
    return render(request, "directory/health.html", shown)


def _place(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("This is not a place in the list.", field="before") from None
