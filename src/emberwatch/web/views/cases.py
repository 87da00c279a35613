"""The case file of a credential, to print and to take away."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from emberwatch.core.clock import utc_now
from emberwatch.exposures.queries import access_credential
from emberwatch.tenants.policy import Permission
from emberwatch.validation.case_file import case_file, export_case_file
from emberwatch.validation.ledger_export import as_json
from emberwatch.web.access import actor_of, remember_tenant


def page(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.VIEW_FEED)
    remember_tenant(request, credential.tenant)
    shown = {
        "tenant": credential.tenant,
        "credential": credential,
        "case": case_file(credential, actor=actor, now=utc_now()),
    }
    return render(request, "cases/case.html", shown)


def export(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.VIEW_FEED)
    made = export_case_file(credential, actor=actor, now=utc_now())
    response = JsonResponse(as_json(made), json_dumps_params={"indent": 2})
    response.headers["Content-Disposition"] = f'attachment; filename="case-{credential.id}.json"'
    return response
