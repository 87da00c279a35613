"""The case file of a credential."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.shapes import CaseFileOut, Id
from emberwatch.core.clock import utc_now
from emberwatch.exposures.queries import access_credential
from emberwatch.tenants.policy import Permission
from emberwatch.validation.case_file import export_case_file

router = Router(tags=["Case files"])


@router.get(
    "/tenants/{tenant_id}/credentials/{credential_id}/case",
    response=answers(200, CaseFileOut),
    operation_id="get_case_file",
)
def get_case_file(request: HttpRequest, tenant_id: Id, credential_id: Id) -> CaseFileOut:
    """All sightings, verdicts with their evidence, and sign-ins, oldest first. Each one taken leaves an audit row."""
    actor = actor_of(request)
    credential = access_credential(actor, tenant_id, credential_id, Permission.VIEW_FEED)
    return rendering.case_file(export_case_file(credential, actor=actor, now=utc_now()))
