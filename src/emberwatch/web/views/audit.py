"""The tenant's audit chain, newest first, and the check that nobody has changed it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from emberwatch.audit.queries import newest_rows, verify_chain
from emberwatch.core.errors import BadInput
from emberwatch.tenants.policy import Permission
from emberwatch.web.access import enter_tenant
from emberwatch.web.frames import framed

PAGE_SIZE: Final = 50
_LARGEST: Final = 2**63 - 1


def listing(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_AUDIT)
    before = _sequence(request.GET.get("before", ""))
    rows = newest_rows(tenant.id, before_sequence=before, limit=PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    older = shown[-1].sequence if len(rows) > PAGE_SIZE else None
    return render(
        request, "audit/listing.html", {"tenant": tenant, "rows": shown, "before": before, "older": older}
    )


def _sequence(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or int(text[:20]) > _LARGEST:
        raise BadInput("before needs the number of a row.", field="before")
    return int(text[:20])


@require_POST
def verify(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_AUDIT)
    length, fault = verify_chain(tenant.id)
    return framed(request, "audit/verified.html", {"tenant": tenant, "length": length, "fault": fault})
