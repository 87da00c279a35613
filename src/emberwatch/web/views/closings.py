"""Closing a credential by hand, and opening it again."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.listing import until
from emberwatch.exposures.closing import ClosingForm, close, reopen
from emberwatch.exposures.queries import access_credential
from emberwatch.tenants.policy import Permission
from emberwatch.web.access import actor_of, remember_tenant
from emberwatch.web.forms import Form, posted
from emberwatch.web.frames import framed
from emberwatch.web.presenting import details_of


@require_POST
def close_credential(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.REMEDIATE)
    remember_tenant(request, credential.tenant)
    typed = posted(request, "handling", "scope", "until", "reason")
    try:
        form = ClosingForm(typed["handling"], typed["reason"], typed["scope"], until("until", typed["until"]))
        close(credential, form, actor=actor, now=utc_now())
    except BadInput as error:
        shown = details_of(request, credential) | {"closing_form": Form(typed, error)}
        return framed(request, "credentials/details.html", shown, status=HTTPStatus.BAD_REQUEST)
    return redirect("credential", tenant_id, credential_id)


@require_POST
def reopen_credential(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.REMEDIATE)
    reopen(credential, reason=posted(request, "reason")["reason"], actor=actor, now=utc_now())
    return redirect("credential", tenant_id, credential_id)
