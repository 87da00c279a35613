"""The ledger: every sign-in that was sent to the tenant's directory, and the budget of one account."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.identities.queries import identity_ids
from emberwatch.tenants.policy import Permission
from emberwatch.validation.ledger_export import MEDIA_TYPES, ExportForm, exported
from emberwatch.validation.models import AttemptOrigin
from emberwatch.validation.proof import LedgerFilter, budgets_of, ledger_page, record_export, whole_ledger
from emberwatch.web.access import actor_of, enter_tenant
from emberwatch.web.presenting import verdict_choices

FILTERS: Final = ("account", "code", "verdict", "origin", "since", "until")


def listing(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VALIDATE)
    typed, cursor = _typed(request), request.GET.get("cursor", "")
    wanted = LedgerFilter.from_query(typed)
    query = QueryDict(mutable=True)
    query.update(typed)
    page = ledger_page(tenant, wanted, cursor=cursor)
    known = identity_ids(tenant.id, [entry.attempt.object_id for entry in page.entries])
    shown = {
        "tenant": tenant,
        "page": page,
        "entries": [(entry, known.get(entry.attempt.object_id)) for entry in page.entries],
        "budgets": budgets_of(tenant, wanted, utc_now()),
        "wanted": typed,
        "query": query,
        "cursor": cursor,
        "verdicts": verdict_choices(),
        "origins": AttemptOrigin.choices,
        "forms": list(ExportForm),
    }
    return render(request, "attempts/listing.html", shown)


def export(request: HttpRequest, tenant_id: UUID) -> HttpResponseBase:
    tenant = enter_tenant(request, tenant_id, Permission.VALIDATE)
    wanted, form, now = LedgerFilter.from_query(_typed(request)), _form(request), utc_now()
    record_export(tenant, wanted, form, actor=actor_of(request), now=now)
    response = StreamingHttpResponse(
        exported(whole_ledger(tenant, wanted), form), content_type=MEDIA_TYPES[form]
    )
    response.headers["Content-Disposition"] = f'attachment; filename="attempts-{now:%Y-%m-%d}.{form}"'
    return response


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in FILTERS if request.GET.get(name)}


def _form(request: HttpRequest) -> ExportForm:
    try:
        return ExportForm(request.GET.get("format", ExportForm.CSV))
    except ValueError:
        raise BadInput("format needs csv or jsonl.", field="format") from None
