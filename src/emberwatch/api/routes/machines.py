"""Infected devices that leaked the tenant's credentials, and the cookies that were stolen with them."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page, Paging
from emberwatch.api.shapes import CookieOut, Id, MachineDetailOut, MachineListedOut
from emberwatch.core.errors import BadInput
from emberwatch.exposures.queries import access_machine, newest_cookies, newest_machines
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

router = Router(tags=["Machines"])


@router.get(
    "/tenants/{tenant_id}/machines",
    response=answers(200, Page[MachineListedOut]),
    operation_id="list_machines",
)
def list_machines(request: HttpRequest, tenant_id: Id, page: Query[Paging]) -> Page[MachineListedOut]:
    """The tenant's machines, newest first."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_FEED)
    rows = newest_machines(tenant, before=_before(page.cursor), limit=page.limit + 1)
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page[MachineListedOut](
        items=[rendering.machine_listed(row) for row in shown],
        next_cursor=str(shown[-1].id) if more else None,
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


@router.get(
    "/tenants/{tenant_id}/cookies", response=answers(200, Page[CookieOut]), operation_id="list_cookies"
)
def list_cookies(request: HttpRequest, tenant_id: Id, page: Query[Paging]) -> Page[CookieOut]:
    """Stolen cookies of the tenant's sites, newest first; never their values."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_FEED)
    rows = newest_cookies(tenant, before=_before(page.cursor), limit=page.limit + 1)
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page[CookieOut](
        items=[rendering.cookie(row) for row in shown], next_cursor=str(shown[-1].id) if more else None
    )
