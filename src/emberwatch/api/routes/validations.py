"""Validate: a job that is started once and then polled."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Body, Header, Router, Status

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.shapes import Id, ValidateIn, ValidationOut
from emberwatch.core.clock import utc_now
from emberwatch.exposures.queries import access_credential
from emberwatch.tenants.policy import Permission
from emberwatch.validation.queries import access_validation
from emberwatch.validation.services import request_validation

router = Router(tags=["Validations"])

IdempotencyKey = Annotated[
    str,
    Header(
        "",
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of yours: the same key starts nothing twice and returns the same job.",
    ),
]


@router.post(
    "/tenants/{tenant_id}/credentials/{credential_id}/validations",
    response=answers(202, ValidationOut, 409),
    operation_id="start_validation",
)
def start_validation(
    request: HttpRequest,
    response: HttpResponse,
    tenant_id: Id,
    credential_id: Id,
    idempotency_key: IdempotencyKey = "",
    options: Annotated[ValidateIn | None, Body(None)] = None,
) -> Status[ValidationOut]:
    """Starts a validation, or returns the one that is under way. At most one sign-in is ever sent for it."""
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.VALIDATE)
    job = request_validation(
        credential,
        actor=actor,
        now=utc_now(),
        idempotency_key=idempotency_key,
        confirm=options is not None and options.confirm,
    )
    response.headers["Location"] = reverse("api:get_validation", args=[str(job.tenant_id), str(job.id)])
    return Status(202, rendering.validation(job))


@router.get(
    "/tenants/{tenant_id}/validations/{validation_id}",
    response=answers(200, ValidationOut),
    operation_id="get_validation",
    url_name="get_validation",
)
def get_validation(request: HttpRequest, tenant_id: Id, validation_id: Id) -> ValidationOut:
    """How far a validation is, and its verdict when it is done."""
    return rendering.validation(access_validation(actor_of(request), tenant_id, validation_id))
