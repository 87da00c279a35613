"""The press of Validate, and the status that moves by itself until the verdict stands there."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.exposures.queries import access_credential
from emberwatch.tenants.policy import Permission
from emberwatch.validation.models import Validation, ValidationState
from emberwatch.validation.queries import access_validation
from emberwatch.validation.services import request_validation
from emberwatch.web.access import actor_of, is_htmx, remember_tenant
from emberwatch.web.frames import framed
from emberwatch.web.presenting import details_of, progress_of


@require_POST
def start(request: HttpRequest, tenant_id: UUID, credential_id: UUID) -> HttpResponse:
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.VALIDATE)
    validation = request_validation(
        credential, actor=actor, now=utc_now(), confirm=request.POST.get("confirm") == "yes"
    )
    if not is_htmx(request):
        return redirect("credential", tenant_id, credential_id)
    return _moving(request, validation, has_started=True)


def status(request: HttpRequest, tenant_id: UUID, validation_id: UUID) -> HttpResponse:
    validation = access_validation(actor_of(request), tenant_id, validation_id)
    if not is_htmx(request):
        return redirect("credential", tenant_id, validation.credential_id)
    if validation.state != ValidationState.DONE:
        return _moving(request, validation)
    return _finished(request, validation)


def _moving(request: HttpRequest, validation: Validation, *, has_started: bool = False) -> HttpResponse:
    shown = {
        "progress": progress_of(validation, utc_now()),
        "in_panel": _in_panel(request),
        "has_started": has_started,
        # Screen readers hear a step once, however often it is asked for.
        "has_moved": request.GET.get("was") != validation.state,
    }
    return framed(request, "credentials/progress_part.html", shown)


def _finished(request: HttpRequest, validation: Validation) -> HttpResponse:
    """The whole details view anew: verdict, evidence, identity and history have all changed."""
    credential = validation.credential
    remember_tenant(request, validation.tenant)
    credential.tenant = validation.tenant
    shown = details_of(request, credential) | {"has_just_finished": True, "in_panel": _in_panel(request)}
    response = framed(request, "credentials/details.html", shown)
    response.headers["HX-Retarget"] = "#details"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def _in_panel(request: HttpRequest) -> bool:
    return request.GET.get("panel") == "1"
