"""The reading of a tenant's directory: how far it is, asking for it, and limiting it to a group."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from emberwatch.api import directory_rendering as rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.shapes import Id
from emberwatch.api.sync_shapes import SyncOut, SyncScopeIn
from emberwatch.core.clock import utc_now
from emberwatch.directories.queries import required_connection
from emberwatch.identities.services import request_sync, set_scope
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

router = Router(tags=["Directory connection"])
HERE = "/tenants/{tenant_id}/directory/sync"


@router.get(HERE, response=answers(200, SyncOut), operation_id="get_directory_sync")
def get_sync(request: HttpRequest, tenant_id: Id) -> SyncOut:
    """How far the copy of the directory is, and what keeps it from being up to date."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.CONFIGURE_DIRECTORY)
    return rendering.sync(required_connection(tenant.id))


@router.post(HERE, response=answers(202, SyncOut, 409), operation_id="start_directory_sync")
def start_sync(request: HttpRequest, response: HttpResponse, tenant_id: Id) -> Status[SyncOut]:
    """Asks for a reading as soon as possible; one that is under way serves too."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.CONFIGURE_DIRECTORY)
    request_sync(tenant, actor=actor, now=utc_now())
    response.headers["Location"] = request.path
    return Status(202, rendering.sync(required_connection(tenant.id)))


@router.put(HERE, response=answers(200, SyncOut), operation_id="set_directory_scope")
def set_sync_scope(request: HttpRequest, tenant_id: Id, wanted: SyncScopeIn) -> SyncOut:
    """Limits what is read to the members of one group; the next reading begins anew then."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.CONFIGURE_DIRECTORY)
    set_scope(tenant, wanted.group_id, actor=actor, now=utc_now())
    return rendering.sync(required_connection(tenant.id))
