"""Closing a credential by hand: remediated or ignored, with a reason and an end."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from emberwatch.api import remediation_rendering as rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.remediation_shapes import ClosingIn, ClosingOut, ReasonIn
from emberwatch.api.shapes import Id
from emberwatch.core.clock import utc_now
from emberwatch.core.listing import in_utc
from emberwatch.exposures.closing import ClosingForm, close, closing_of, reopen
from emberwatch.exposures.queries import access_credential
from emberwatch.tenants.policy import Permission

router = Router(tags=["Credentials"])
_PATH = "/tenants/{tenant_id}/credentials/{credential_id}/handling"


@router.get(_PATH, response=answers(200, ClosingOut), operation_id="get_handling")
def get_handling(request: HttpRequest, tenant_id: Id, credential_id: Id) -> ClosingOut:
    """Whether a credential is open, or what it is closed as."""
    found = access_credential(actor_of(request), tenant_id, credential_id, Permission.VIEW_FEED)
    return rendering.closing(closing_of(found, utc_now()))


@router.put(_PATH, response=answers(200, ClosingOut), operation_id="close_credential")
def close_credential(request: HttpRequest, tenant_id: Id, credential_id: Id, wanted: ClosingIn) -> ClosingOut:
    """Closes a credential, or all of its login. It stays closed when it is seen again."""
    actor = actor_of(request)
    found = access_credential(actor, tenant_id, credential_id, Permission.REMEDIATE)
    form = ClosingForm(wanted.handling, wanted.reason, wanted.scope, in_utc("until", wanted.until))
    return rendering.closing(close(found, form, actor=actor, now=utc_now()))


@router.post(f"{_PATH}/reopen", response=answers(200, ClosingOut, 409), operation_id="reopen_credential")
def reopen_credential(request: HttpRequest, tenant_id: Id, credential_id: Id, wanted: ReasonIn) -> ClosingOut:
    """Opens a credential again, with whatever was closed together with it."""
    actor, now = actor_of(request), utc_now()
    found = access_credential(actor, tenant_id, credential_id, Permission.REMEDIATE)
    reopen(found, reason=wanted.reason, actor=actor, now=now)
    return rendering.closing(closing_of(found, now))
