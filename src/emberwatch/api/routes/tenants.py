"""Tenants that the token speaks for."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page
from emberwatch.api.shapes import Id, TenantOut, WatchlistIn
from emberwatch.core.clock import utc_now
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of, visible_tenants
from emberwatch.tenants.services import set_watchlist

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


@router.put(
    "/tenants/{tenant_id}/watchlist", response=answers(200, TenantOut, 400), operation_id="set_watchlist"
)
def put_watchlist(request: HttpRequest, tenant_id: Id, wanted: WatchlistIn) -> TenantOut:
    """Replaces the single addresses and the login hosts that are watched beside the domains."""
    actor = actor_of(request)
    found = access_tenant(actor, tenant_id, Permission.CONFIGURE_TENANT)
    set_watchlist(found, wanted.addresses, wanted.login_hosts, actor=actor, now=utc_now())
    return rendering.tenant(found, permissions_of(actor, found))
