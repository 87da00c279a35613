"""A tenant's Entra ID Configuration: the connection, its keys, its check, and how the directory is doing."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status

from emberwatch.api import directory_rendering as rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.directory_access import ONLY_ONE, access_directory
from emberwatch.api.directory_shapes import (
    CheckOut,
    DirectoryCallOut,
    DirectoryIn,
    DirectoryOut,
    HealthOut,
    KeyIn,
)
from emberwatch.api.paging import Page, Paging
from emberwatch.api.shapes import Id
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.core.secret import Secret
from emberwatch.directories.calls import CallFilters, calls_page
from emberwatch.directories.keys import KeyForm
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import connections_of, directory_named, required_connection
from emberwatch.directories.services import (
    ConnectionForm,
    add_key,
    check_connection,
    remove_key,
    save_connection,
)
from emberwatch.identities.services import remove_directory
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.validation.health import health_of

router = Router(tags=["Directory connection"])
HERE = "/tenants/{tenant_id}/directory"


@router.get(
    "/tenants/{tenant_id}/directories",
    response=answers(200, Page[DirectoryOut]),
    operation_id="list_directories",
)
def list_directories(request: HttpRequest, tenant_id: Id) -> Page[DirectoryOut]:
    """Every directory that the tenant is connected to, the first one at the head."""
    found = connections_of(_tenant(request, tenant_id).id)
    return Page[DirectoryOut](items=[rendering.directory(row) for row in found], next_cursor=None)


@router.post(
    "/tenants/{tenant_id}/directories", response=answers(201, DirectoryOut, 413), operation_id="add_directory"
)
def post_directory(request: HttpRequest, tenant_id: Id, wanted: DirectoryIn) -> Status[DirectoryOut]:
    """Connects the tenant to a further directory and checks it at once."""
    tenant = _tenant(request, tenant_id)
    saved, _ = save_connection(tenant, _form(wanted), actor=actor_of(request), now=utc_now(), adds=True)
    return Status(201, _shown(tenant, saved))


@router.get(HERE, response=answers(200, DirectoryOut), operation_id="get_directory")
def get_directory(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> DirectoryOut:
    """The connection with its status and what the last check found. 404 until one is saved."""
    _, connection = access_directory(request, tenant_id, directory)
    return rendering.directory(connection)


@router.put(HERE, response=answers(200, DirectoryOut, 413), operation_id="save_directory")
def save_directory(
    request: HttpRequest, tenant_id: Id, wanted: DirectoryIn, directory: str = ONLY_ONE
) -> DirectoryOut:
    """Stores the connection and checks it at once; a connection that does not work is stored as an error.

    A secret, a certificate or federation that comes with it takes the place of all keys that were stored. Without
    `directory` it is the one that the body names, the tenant's only one, or its first.
    """
    tenant = _tenant(request, tenant_id)
    saved, _ = save_connection(
        tenant,
        _form(wanted),
        actor=actor_of(request),
        now=utc_now(),
        directory=directory_named(tenant.id, directory),
    )
    return _shown(tenant, saved)


@router.delete(HERE, response=answers(204, None), operation_id="remove_directory")
def delete_directory(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> HttpResponse:
    """Ends the connection: its keys, its choices and the copy of its accounts go; verdicts and attempts stay."""
    tenant, connection = access_directory(request, tenant_id, directory)
    remove_directory(tenant, connection.entra_tenant_id, actor=actor_of(request), now=utc_now())
    return HttpResponse(status=204)


@router.post(f"{HERE}/check", response=answers(200, CheckOut), operation_id="check_directory")
def check_directory(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> CheckOut:
    """Tries the stored connection now and says what is wrong in plain words; a good check lifts a halt."""
    tenant, connection = access_directory(request, tenant_id, directory)
    report = check_connection(tenant, actor=actor_of(request), directory=connection.entra_tenant_id)
    connection.refresh_from_db()
    return rendering.check(connection, report)


@router.post(f"{HERE}/keys", response=answers(201, DirectoryOut, 409, 413), operation_id="add_directory_key")
def post_key(
    request: HttpRequest, tenant_id: Id, wanted: KeyIn, directory: str = ONLY_ONE
) -> Status[DirectoryOut]:
    """Puts a second secret, certificate or federation beside the one in use, and checks both."""
    tenant, connection = access_directory(request, tenant_id, directory)
    add_key(
        tenant,
        _key(wanted),
        actor=actor_of(request),
        now=utc_now(),
        directory=connection.entra_tenant_id,
    )
    return Status(201, _shown(tenant, connection))


@router.delete(
    f"{HERE}/keys/{{key_id}}", response=answers(200, DirectoryOut, 409), operation_id="remove_directory_key"
)
def delete_key(request: HttpRequest, tenant_id: Id, key_id: Id, directory: str = ONLY_ONE) -> DirectoryOut:
    """Removes one of two keys and checks with the other. The only one cannot be removed."""
    tenant, connection = access_directory(request, tenant_id, directory)
    remove_key(
        tenant,
        _uuid(key_id),
        actor=actor_of(request),
        now=utc_now(),
        directory=connection.entra_tenant_id,
    )
    return _shown(tenant, connection)


@router.get(f"{HERE}/health", response=answers(200, HealthOut), operation_id="get_directory_health")
def get_health(request: HttpRequest, tenant_id: Id, directory: str = ONLY_ONE) -> HealthOut:
    """The connection's state, the sign-ins and the requests of the last 24 hours."""
    _, connection = access_directory(request, tenant_id, directory)
    return rendering.health(health_of(connection, utc_now()))


class CallQuery(Schema):
    """The filters of the page Directory health, under the same names."""

    failed: bool = Field(False, description="Only what was refused or got no answer.")
    service: str = Field("", max_length=8, description="`graph` or `sign-in`.")


@router.get(
    f"{HERE}/calls", response=answers(200, Page[DirectoryCallOut]), operation_id="list_directory_calls"
)
def list_calls(
    request: HttpRequest,
    tenant_id: Id,
    wanted: Query[CallQuery],
    page: Query[Paging],
    directory: str = ONLY_ONE,
) -> Page[DirectoryCallOut]:
    """The requests of the last days, newest first, without bodies and without names or ids in their addresses."""
    filters = CallFilters(wanted.failed, wanted.service)
    _, connection = access_directory(request, tenant_id, directory)
    found, before = calls_page(connection, filters, _cursor(page.cursor), limit=page.limit)
    items = [rendering.call(row) for row in found]
    return Page[DirectoryCallOut](items=items, next_cursor=str(before) if before else None)


def _tenant(request: HttpRequest, tenant_id: str) -> Tenant:
    return access_tenant(actor_of(request), tenant_id, Permission.CONFIGURE_DIRECTORY)


def _shown(tenant: Tenant, changed: DirectoryConnection) -> DirectoryOut:
    """As it is stored by now."""
    return rendering.directory(required_connection(tenant.id, changed.entra_tenant_id))


def _form(wanted: DirectoryIn) -> ConnectionForm:
    key = _key(wanted)
    return ConnectionForm(wanted.client_id, wanted.entra_tenant_id, wanted.cloud, key.client_secret, key)


def _key(wanted: KeyIn) -> KeyForm:
    return KeyForm(
        Secret(wanted.client_secret.get_secret_value()),
        Secret(wanted.certificate.get_secret_value()),
        Secret(wanted.certificate_password.get_secret_value()),
        wanted.federated,
    )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such key.") from None


def _cursor(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("This is not a cursor.", field="cursor") from None
