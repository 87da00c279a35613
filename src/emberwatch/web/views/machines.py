"""One infected device: its facts, and what was stolen from it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from emberwatch.exposures.models import ExposureKind
from emberwatch.exposures.queries import access_machine, sightings_on
from emberwatch.tenants.queries import permissions_of
from emberwatch.web.access import actor_of, remember_tenant


def one(request: HttpRequest, tenant_id: UUID, machine_id: UUID) -> HttpResponse:
    machine = access_machine(actor_of(request), tenant_id, machine_id)
    remember_tenant(request, machine.tenant)
    seen = sightings_on(machine)
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
        "is_cut": len(seen) == 200,
        "may": permissions_of(actor_of(request), machine.tenant),
    }
    return render(request, "machines/machine.html", shown)
