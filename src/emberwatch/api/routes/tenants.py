"""Tenants that the token speaks for."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page
from emberwatch.api.shapes import Id, TenantOut
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of, visible_tenants

router = Router(tags=["Tenants"])


@router.get(
    "/tenants",
    response=answers(200, Page[TenantOut]),
    operation_id="list_tenants",
    url_name="list_tenants",
)
def list_tenants(request: HttpRequest) -> Page[TenantOut]:
    """The tenants of this token: the one that it is bound to."""
    actor = actor_of(request)
    found = [rendering.tenant(row, permissions_of(actor, row)) for row in visible_tenants(actor)]
    return Page[TenantOut](items=found, next_cursor=None)


@router.get("/tenants/{tenant_id}", response=answers(200, TenantOut), operation_id="get_tenant")
def get_tenant(request: HttpRequest, tenant_id: Id) -> TenantOut:
    """One tenant with its monitored domains."""
    actor = actor_of(request)
    found = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    return rendering.tenant(found, permissions_of(actor, found))
