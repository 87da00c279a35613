"""The reading of a tenant's directory: how far it is, asking for it, and limiting it to a group."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.directories.models import DirectoryConnection
from emberwatch.identities.progress import progress_of, reads_every_hours
from emberwatch.identities.services import request_sync, set_scope
from emberwatch.tenants.models import Tenant
from emberwatch.web.access import actor_of, enter_directory
from emberwatch.web.forms import Form, posted
from emberwatch.web.frames import framed


def shown_of(tenant: Tenant, connection: DirectoryConnection, form: Form | None = None) -> dict[str, Any]:
    progress = progress_of(connection)
    return {
        "tenant": tenant,
        "connection": connection,
        "sync": progress,
        "every_hours": reads_every_hours(),
        "scope_form": form or Form({"group_id": str(progress.group_id or "")}),
    }


def status(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    shown = shown_of(tenant, connection)
    # Screen readers hear a state once, however often it is asked for.
    shown["has_moved"] = request.GET.get("was", shown["sync"].state) != shown["sync"].state
    return framed(request, "directory/sync.html", shown)


@require_POST
def start(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    directory = connection.entra_tenant_id
    request_sync(tenant, actor=actor_of(request), now=utc_now(), directory=directory)
    return redirect("directory_sync", tenant.id, directory)


@require_POST
def scope(request: HttpRequest, tenant_id: UUID, directory_id: UUID | None = None) -> HttpResponse:
    tenant, connection = enter_directory(request, tenant_id, directory_id)
    directory = connection.entra_tenant_id
    typed = posted(request, "group_id")
    try:
        set_scope(tenant, typed["group_id"], actor=actor_of(request), now=utc_now(), directory=directory)
    except BadInput as error:
        shown = shown_of(tenant, connection, Form(typed, error))
        return framed(request, "directory/sync.html", shown, status=HTTPStatus.BAD_REQUEST)
    messages.success(request, "Saved. The next reading begins anew.")
    return redirect("directory_sync", tenant.id, directory)
