"""Infected devices, and what was stolen from them: credentials, and cookies of the tenant's sites."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.exposures.models import ExposureKind
from emberwatch.exposures.queries import (
    access_machine,
    cookies_on,
    live_cookie_count,
    newest_cookies,
    sightings_on,
)
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import permissions_of
from emberwatch.web.access import actor_of, enter_tenant, remember_tenant

PAGE_SIZE: Final = 100
_MOST: Final = 200


def one(request: HttpRequest, tenant_id: UUID, machine_id: UUID) -> HttpResponse:
    machine = access_machine(actor_of(request), tenant_id, machine_id)
    remember_tenant(request, machine.tenant)
    seen, cookies = sightings_on(machine), cookies_on(machine)
    shown = {
        "tenant": machine.tenant,
        "machine": machine,
        "kinds": [
            (label, [each for each in seen if each.credential.exposure_kind == kind])
            for kind, label in (
                (ExposureKind.EMPLOYEE, "Your people"),
                (ExposureKind.EXTERNAL, "Others at your sites"),
            )
        ],
        "is_cut": len(seen) == _MOST,
        "cookies": cookies,
        "live_cookies": live_cookie_count(machine) if cookies else 0,
        "cookies_are_cut": len(cookies) == _MOST,
        "now": utc_now(),
        "may": permissions_of(actor_of(request), machine.tenant),
    }
    return render(request, "machines/machine.html", shown)


def cookies(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    before = _keyset(request.GET.get("before", ""))
    found = newest_cookies(tenant, before=before, limit=PAGE_SIZE + 1)
    shown = {
        "tenant": tenant,
        "cookies": found[:PAGE_SIZE],
        "before": before,
        "older": found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
        "now": utc_now(),
    }
    return render(request, "machines/cookies.html", shown)


def _keyset(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("before needs the id of a cookie.", field="before") from None
