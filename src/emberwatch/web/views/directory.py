"""Entra ID Configuration: the three fields and the cloud, and what the connection's check found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from http import HTTPStatus
from typing import TypeAlias
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.core.secret import Secret
from emberwatch.directories.diagnosis import key_states, links_of
from emberwatch.directories.entra.certificates import CERTIFICATE, CERTIFICATE_PASSWORD, LARGEST_FILE
from emberwatch.directories.keys import FEDERATED, MOST_KEYS, KeyForm, file_in_base64
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import connections_of, required_connection
from emberwatch.directories.services import (
    ConnectionForm,
    add_key,
    check_connection,
    offered_clouds,
    remove_key,
    save_connection,
    set_disabled,
)
from emberwatch.identities import services
from emberwatch.identities.progress import progress_of
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.web.access import actor_of, enter_directory, enter_tenant
from emberwatch.web.forms import Form, posted
from emberwatch.web.uploads import SmallFileHandler

Page: TypeAlias = Callable[..., HttpResponse]


def _takes_a_certificate(view: Page) -> Page:
    """The handler must be in place before the forgery check reads the body, and access comes before both."""
    guarded = csrf_protect(sensitive_post_parameters("client_secret", "certificate_password")(view))

    @csrf_exempt
    @wraps(view)
    def prepared(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
        access_tenant(actor_of(request), tenant_id, Permission.CONFIGURE_DIRECTORY)
        file = SmallFileHandler(request, CERTIFICATE, LARGEST_FILE)
        request.upload_handlers = [file]
        return guarded(request, tenant_id, file, directory_id)

    return prepared


@_takes_a_certificate
def configuration(
    request: HttpRequest, tenant_id: UUID, file: SmallFileHandler, directory_id: UUID | None
) -> HttpResponse:
    """One directory's page; the list of all where the address names none of several."""
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_DIRECTORY)
    connections = connections_of(tenant.id)
    if directory_id is None and len(connections) > 1 and request.method != "POST":
        return _listing(request, tenant, connections)
    # Nothing is connected before the first save.
    connection = required_connection(tenant.id, directory_id) if connections or directory_id else None
    if request.method != "POST":
        return _page(request, tenant, connection)
    return _save(request, tenant, connection, file)


@_takes_a_certificate
def add_directory(
    request: HttpRequest, tenant_id: UUID, file: SmallFileHandler, _: UUID | None
) -> HttpResponse:
    """A further directory beside those that are connected."""
    tenant = enter_tenant(request, tenant_id, Permission.CONFIGURE_DIRECTORY)
    return _page(request, tenant, None) if request.method != "POST" else _save(request, tenant, None, file)


def _save(
    request: HttpRequest, tenant: Tenant, connection: DirectoryConnection | None, file: SmallFileHandler
) -> HttpResponse:
    typed = posted(request, "client_id", "entra_tenant_id", "cloud")
    wanted = ConnectionForm(
        typed["client_id"],
        typed["entra_tenant_id"],
        typed["cloud"],
        typed_secret(request),
        typed_key(request, file),
    )
    directory = connection.entra_tenant_id if connection else None
    try:
        saved, report = save_connection(
            tenant,
            wanted,
            actor=actor_of(request),
            now=utc_now(),
            directory=directory,
            adds=directory is None,
        )
    except BadInput as error:
        return _page(request, tenant, connection, Form(typed, error))
    if report.fault is None:
        messages.success(request, "Saved. The connection works.")
    return redirect("directory", tenant.id, saved.entra_tenant_id)


def _listing(
    request: HttpRequest, tenant: Tenant, connections: Sequence[DirectoryConnection]
) -> HttpResponse:
    rows = [(each, progress_of(each)) for each in connections]
    return render(request, "directory/listing.html", {"tenant": tenant, "rows": rows})


def typed_secret(request: HttpRequest) -> Secret:
    return Secret(request.POST.get("client_secret", ""))


def typed_key(request: HttpRequest, file: SmallFileHandler) -> KeyForm:
    """A certificate or federation; the secret has its own field."""
    # Reading the fields is what fills the file.
    password, federated = request.POST.get("certificate_password", ""), request.POST.get("federated")
    return KeyForm(
        certificate=file_in_base64(bytes(file.data)),
        certificate_password=Secret(password),
        federated=federated == "yes",
    )


def _page(
    request: HttpRequest,
    tenant: Tenant,
    connection: DirectoryConnection | None,
    form: Form | None = None,
    key_form: Form | None = None,
) -> HttpResponse:
    shown = {
        "tenant": tenant,
        "directories": len(connections_of(tenant.id)),
        "connection": connection,
        "is_told_below": connection is not None and _is_told_by_an_item(connection),
        "sync": progress_of(connection) if connection else None,
        "keys": key_states(connection) if connection else [],
        "most_keys": MOST_KEYS,
        "links": links_of(connection) if connection else None,
        "key_form": key_form or Form(),
        "is_other_key_at_fault": form is not None and _is_about_another_key(form),
        "may_federate": actor_of(request).is_organisation_admin,
        "clouds": offered_clouds(),
        "form": form or Form(_stored(connection)),
    }
    status = HTTPStatus.BAD_REQUEST if form or key_form else HTTPStatus.OK
    return render(request, "directory/configuration.html", shown, status=status)


def _is_about_another_key(form: Form) -> bool:
    return form.error is not None and form.error.field in (CERTIFICATE, CERTIFICATE_PASSWORD, FEDERATED)


def _is_told_by_an_item(connection: DirectoryConnection) -> bool:
    """Whether the list of what the check found says it already; a stop by a later answer stands alone."""
    return any(connection.status_sentence.startswith(item["sentence"]) for item in connection.check_items)


def _stored(connection: DirectoryConnection | None) -> dict[str, str]:
    if connection is None:
        return {"cloud": "global"}
    names = ("client_id", "entra_tenant_id", "cloud")
    return {name: str(getattr(connection, name)) for name in names}


@require_POST
@_takes_a_certificate
def add(
    request: HttpRequest, tenant_id: UUID, file: SmallFileHandler, directory_id: UUID | None
) -> HttpResponse:
    """A second key beside the one in use."""
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    key = replace(typed_key(request, file), client_secret=typed_secret(request))
    try:
        report = add_key(
            tenant,
            key,
            actor=actor_of(request),
            now=utc_now(),
            directory=connection.entra_tenant_id,
        )
    except (BadInput, Conflict) as error:
        return _page(request, tenant, connection, key_form=Form(error=error))
    if report.fault is None:
        messages.success(request, "Added. Both were checked.")
    return redirect(_keys_of(connection))


@require_POST
def remove(
    request: HttpRequest, tenant_id: UUID, key_id: UUID, directory_id: UUID | None = None
) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    directory = connection.entra_tenant_id
    remove_key(tenant, key_id, actor=actor_of(request), now=utc_now(), directory=directory)
    return redirect(_keys_of(connection))


def _keys_of(connection: DirectoryConnection) -> str:
    return f"{reverse('directory', args=[connection.tenant_id, connection.entra_tenant_id])}#keys"


@require_POST
def check(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    check_connection(tenant, actor=actor_of(request), directory=connection.entra_tenant_id)
    return redirect("directory", tenant.id, connection.entra_tenant_id)


@require_POST
def switch(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    """Off at once; on again only by a check, so that nothing is sent over a connection that does not work."""
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    actor, directory = actor_of(request), connection.entra_tenant_id
    disabled = request.POST.get("disabled") == "yes"
    set_disabled(tenant, disabled, actor=actor, now=utc_now(), directory=directory)
    if not disabled:
        check_connection(tenant, actor=actor, directory=directory)
    return redirect("directory", tenant.id, directory)


@require_POST
def remove_directory(request: HttpRequest, tenant_id: UUID, directory_id: UUID) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    services.remove_directory(tenant, directory_id, actor=actor_of(request), now=utc_now())
    messages.success(request, f"{connection.label} is no longer connected.")
    return redirect("directory", tenant.id)
