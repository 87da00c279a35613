"""A tenant's Entra ID Configuration."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.shapes import CheckOut, DirectoryIn, DirectoryOut, Id, SyncOut, SyncScopeIn
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.queries import required_connection
from emberwatch.directories.services import ConnectionForm, check_connection, save_connection
from emberwatch.identities.services import request_sync, set_scope
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

router = Router(tags=["Directory connection"])


@router.get(
    "/tenants/{tenant_id}/directory", response=answers(200, DirectoryOut), operation_id="get_directory"
)
def get_directory(request: HttpRequest, tenant_id: Id) -> DirectoryOut:
    """The connection with its status and what the last check found. 404 until one is saved."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.CONFIGURE_DIRECTORY)
    return rendering.directory(required_connection(tenant.id))


@router.put(
    "/tenants/{tenant_id}/directory",
    response=answers(200, DirectoryOut, 413),
    operation_id="save_directory",
)
def save_directory(request: HttpRequest, tenant_id: Id, wanted: DirectoryIn) -> DirectoryOut:
    """Stores the connection and checks it at once; a connection that does not work is stored as an error."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.CONFIGURE_DIRECTORY)
    secret = Secret(wanted.client_secret.get_secret_value())
    form = ConnectionForm(wanted.client_id, wanted.entra_tenant_id, wanted.cloud, secret)
    save_connection(tenant, form, actor=actor, now=utc_now())
    return rendering.directory(required_connection(tenant.id))


@router.post(
    "/tenants/{tenant_id}/directory/check", response=answers(200, CheckOut), operation_id="check_directory"
)
def check_directory(request: HttpRequest, tenant_id: Id) -> CheckOut:
    """Tries the stored connection now and says what is wrong in plain words; a good check lifts a halt."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.CONFIGURE_DIRECTORY)
    required_connection(tenant.id)
    report = check_connection(tenant, actor=actor)
    return rendering.check(required_connection(tenant.id), report)


@router.get(
    "/tenants/{tenant_id}/directory/sync", response=answers(200, SyncOut), operation_id="get_directory_sync"
)
def get_sync(request: HttpRequest, tenant_id: Id) -> SyncOut:
    """How far the copy of the directory is, and what keeps it from being up to date."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.CONFIGURE_DIRECTORY)
    return rendering.sync(required_connection(tenant.id))


@router.post(
    "/tenants/{tenant_id}/directory/sync",
    response=answers(202, SyncOut, 409),
    operation_id="start_directory_sync",
)
def start_sync(request: HttpRequest, response: HttpResponse, tenant_id: Id) -> Status[SyncOut]:
    """Asks for a reading as soon as possible; one that is under way serves too."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.CONFIGURE_DIRECTORY)
    request_sync(tenant, actor=actor, now=utc_now())
    response.headers["Location"] = request.path
    return Status(202, rendering.sync(required_connection(tenant.id)))


@router.put(
    "/tenants/{tenant_id}/directory/sync", response=answers(200, SyncOut), operation_id="set_directory_scope"
)
def set_sync_scope(request: HttpRequest, tenant_id: Id, wanted: SyncScopeIn) -> SyncOut:
    """Limits what is read to the members of one group; the next reading begins anew then."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.CONFIGURE_DIRECTORY)
    set_scope(tenant, wanted.group_id, actor=actor, now=utc_now())
    return rendering.sync(required_connection(tenant.id))
