"""A tenant's Entra ID Configuration: the connection, its keys, its check, and how the directory is doing."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from emberwatch.api import directory_rendering as rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
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
from emberwatch.directories.queries import required_connection
from emberwatch.directories.services import (
    ConnectionForm,
    add_key,
    check_connection,
    remove_key,
    save_connection,
)
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.validation.health import health_of

router = Router(tags=["Directory connection"])
HERE = "/tenants/{tenant_id}/directory"


@router.get(HERE, response=answers(200, DirectoryOut), operation_id="get_directory")
def get_directory(request: HttpRequest, tenant_id: Id) -> DirectoryOut:
    """The connection with its status and what the last check found. 404 until one is saved."""
    return rendering.directory(_connection(request, tenant_id))


@router.put(HERE, response=answers(200, DirectoryOut, 413), operation_id="save_directory")
def save_directory(request: HttpRequest, tenant_id: Id, wanted: DirectoryIn) -> DirectoryOut:
    """Stores the connection and checks it at once; a connection that does not work is stored as an error.

    A secret, a certificate or federation that comes with it takes the place of all keys that were stored.
    """
    tenant, key = _tenant(request, tenant_id), _key(wanted)
    form = ConnectionForm(wanted.client_id, wanted.entra_tenant_id, wanted.cloud, key.client_secret, key)
    save_connection(tenant, form, actor=actor_of(request), now=utc_now())
    return rendering.directory(required_connection(tenant.id))


@router.post(f"{HERE}/check", response=answers(200, CheckOut), operation_id="check_directory")
def check_directory(request: HttpRequest, tenant_id: Id) -> CheckOut:
    """Tries the stored connection now and says what is wrong in plain words; a good check lifts a halt."""
    tenant = _tenant(request, tenant_id)
    required_connection(tenant.id)
    report = check_connection(tenant, actor=actor_of(request))
    return rendering.check(required_connection(tenant.id), report)


@router.post(f"{HERE}/keys", response=answers(201, DirectoryOut, 409, 413), operation_id="add_directory_key")
def post_key(request: HttpRequest, tenant_id: Id, wanted: KeyIn) -> Status[DirectoryOut]:
    """Puts a second secret, certificate or federation beside the one in use, and checks both."""
    tenant = _tenant(request, tenant_id)
    add_key(tenant, _key(wanted), actor=actor_of(request), now=utc_now())
    return Status(201, rendering.directory(required_connection(tenant.id)))


@router.delete(
    f"{HERE}/keys/{{key_id}}", response=answers(200, DirectoryOut, 409), operation_id="remove_directory_key"
)
def delete_key(request: HttpRequest, tenant_id: Id, key_id: Id) -> DirectoryOut:
    """Removes one of two keys and checks with the other. The only one cannot be removed."""
    tenant = _tenant(request, tenant_id)
    remove_key(tenant, _uuid(key_id), actor=actor_of(request), now=utc_now())
    return rendering.directory(required_connection(tenant.id))


@router.get(f"{HERE}/health", response=answers(200, HealthOut), operation_id="get_directory_health")
def get_health(request: HttpRequest, tenant_id: Id) -> HealthOut:
    """The connection's state, the sign-ins and the requests of the last 24 hours."""
    return rendering.health(health_of(_connection(request, tenant_id), utc_now()))


class CallQuery(Schema):
    """The filters of the page Directory health, under the same names."""

    failed: bool = Field(False, description="Only what was refused or got no answer.")
    service: str = Field("", max_length=8, description="`graph` or `sign-in`.")


@router.get(
    f"{HERE}/calls", response=answers(200, Page[DirectoryCallOut]), operation_id="list_directory_calls"
)
def list_calls(
    request: HttpRequest, tenant_id: Id, wanted: Query[CallQuery], page: Query[Paging]
) -> Page[DirectoryCallOut]:
    """The requests of the last days, newest first, without bodies and without names or ids in their addresses."""
    filters = CallFilters(wanted.failed, wanted.service)
    found, before = calls_page(
        _connection(request, tenant_id), filters, _cursor(page.cursor), limit=page.limit
    )
    items = [rendering.call(row) for row in found]
    return Page[DirectoryCallOut](items=items, next_cursor=str(before) if before else None)


def _tenant(request: HttpRequest, tenant_id: str) -> Tenant:
    return access_tenant(actor_of(request), tenant_id, Permission.CONFIGURE_DIRECTORY)


def _connection(request: HttpRequest, tenant_id: str) -> DirectoryConnection:
    return required_connection(_tenant(request, tenant_id).id)


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
