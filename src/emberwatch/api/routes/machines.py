"""Infected devices that leaked the tenant's credentials."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page, Paging
from emberwatch.api.shapes import Id, MachineDetailOut, MachineOut
from emberwatch.core.errors import BadInput
from emberwatch.exposures.queries import access_machine, newest_machines
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

router = Router(tags=["Machines"])


@router.get(
    "/tenants/{tenant_id}/machines", response=answers(200, Page[MachineOut]), operation_id="list_machines"
)
def list_machines(request: HttpRequest, tenant_id: Id, page: Query[Paging]) -> Page[MachineOut]:
    """The tenant's machines, newest first."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_FEED)
    rows = newest_machines(tenant, before=_before(page.cursor), limit=page.limit + 1)
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page[MachineOut](
        items=[rendering.machine(row) for row in shown], next_cursor=str(shown[-1].id) if more else None
    )


def _before(cursor: str) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise BadInput("The cursor is not one that Emberwatch made.", field="cursor") from None


@router.get(
    "/tenants/{tenant_id}/machines/{machine_id}",
    response=answers(200, MachineDetailOut),
    operation_id="get_machine",
)
def get_machine(request: HttpRequest, tenant_id: Id, machine_id: Id) -> MachineDetailOut:
    """One machine with what was stolen from it."""
    return rendering.machine_detail(access_machine(actor_of(request), tenant_id, machine_id))
