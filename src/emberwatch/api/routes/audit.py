"""The tenant's audit chain."""

from __future__ import annotations

from typing import Annotated, Final

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from pydantic import WithJsonSchema

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Limit, Page
from emberwatch.api.shapes import AuditRowOut, AuditVerificationOut, Id
from emberwatch.audit.queries import newest_rows, verify_chain
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

_LARGEST: Final = 2**63 - 1

router = Router(tags=["Audit"])


class AuditPaging(Schema):
    cursor: Annotated[
        Annotated[int, Field(ge=1, le=_LARGEST)] | None,
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": _LARGEST}),
    ] = Field(None, description="A sequence number: rows before it are listed.")
    limit: Limit = 50


@router.get("/tenants/{tenant_id}/audit", response=answers(200, Page[AuditRowOut]), operation_id="list_audit")
def list_audit(request: HttpRequest, tenant_id: Id, page: Query[AuditPaging]) -> Page[AuditRowOut]:
    """What was written, revealed and attempted, newest first."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_AUDIT)
    rows = newest_rows(tenant.id, before_sequence=page.cursor, limit=page.limit + 1)
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page[AuditRowOut](
        items=[rendering.audit_row(row) for row in shown],
        next_cursor=str(shown[-1].sequence) if more else None,
    )


@router.get(
    "/tenants/{tenant_id}/audit/verification",
    response=answers(200, AuditVerificationOut),
    operation_id="verify_audit",
)
def verify_audit(request: HttpRequest, tenant_id: Id) -> AuditVerificationOut:
    """Walks the whole chain and names the first row that was changed, removed or reordered."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_AUDIT)
    return rendering.audit_verification(*verify_chain(tenant.id))
