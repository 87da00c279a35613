"""The reading of a tenant's directory: how far it is, asking for it, and limiting it to a group."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from emberwatch.api import directory_rendering as rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.directory_access import ONLY_ONE, access_directory
from emberwatch.api.shapes import Id
from emberwatch.api.sync_shapes import SyncOut, SyncScopeIn
from emberwatch.core.clock import utc_now
from emberwatch.identities.services import request_sync, set_scope

router = Router(tags=["Directory connection"])
HERE = "/tenants/{tenant_id}/directory/sync"


@router.get(HERE, response=answers(200, SyncOut), operation_id="get_directory_sync")
def get_sync(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> SyncOut:
    """How far the copy of the directory is, and what keeps it from being up to date."""
    _, connection = access_directory(request, tenant_id, directory)
    return rendering.sync(connection)


@router.post(HERE, response=answers(202, SyncOut, 409), operation_id="start_directory_sync")
def start_sync(
    request: HttpRequest, response: HttpResponse, tenant_id: Id, directory: str = ONLY_ONE
) -> Status[SyncOut]:
    """Asks for a reading as soon as possible; one that is under way serves too."""
    tenant, connection = access_directory(request, tenant_id, directory)
    request_sync(tenant, actor=actor_of(request), now=utc_now(), directory=connection.entra_tenant_id)
    response.headers["Location"] = request.get_full_path()
    return Status(202, rendering.sync(connection))


@router.put(HERE, response=answers(200, SyncOut), operation_id="set_directory_scope")
def set_sync_scope(
    request: HttpRequest, tenant_id: Id, wanted: SyncScopeIn, directory: str = ONLY_ONE
) -> SyncOut:
    """Limits what is read to the members of one group; the next reading begins anew then."""
    tenant, connection = access_directory(request, tenant_id, directory)
    set_scope(
        tenant,
        wanted.group_id,
        actor=actor_of(request),
        now=utc_now(),
        directory=connection.entra_tenant_id,
    )
    return rendering.sync(connection)
