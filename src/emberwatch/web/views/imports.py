"""Imports: what was read and what became of it, and the upload of another file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, EmberwatchError
from emberwatch.core.secret import Secret
from emberwatch.exposures.models import SourceKind
from emberwatch.ingestion.columns import columns_of, confirm_columns
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.queries import access_import, newest_imports
from emberwatch.ingestion.services import (
    ImportOptions,
    format_names,
    open_upload,
    request_import,
    retry_import,
)
from emberwatch.ingestion.undoing import request_undo
from emberwatch.ingestion.uploads import FILE_FIELD, SealedUpload
from emberwatch.parsing.columns import Role
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of
from emberwatch.web.access import actor_of, enter_tenant, is_htmx
from emberwatch.web.forms import Form, posted
from emberwatch.web.frames import framed
from emberwatch.web.uploads import SealedFilesHandler

PAGE_SIZE: Final = 50
OPTIONS: Final = ("format", "source_kind", "source_name", "leaked_at", "breached_at", "passwords", "review")
# The form's last field: without it the request was cut off, perhaps in the middle of a file.
LAST_FIELD: Final = "end"


def listing(request: HttpRequest, tenant_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    before = _keyset(request.GET.get("before", ""))
    found = newest_imports(tenant, before=before, limit=PAGE_SIZE + 1)
    shown = {
        "tenant": tenant,
        "imports": found[:PAGE_SIZE],
        "before": before,
        "older": found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None,
        "is_moving": any(entry.is_moving for entry in found[:PAGE_SIZE]),
        "may": permissions_of(actor_of(request), tenant),
    }
    return framed(request, "imports/listing.html", shown)


def _keyset(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("before needs the id of an import.", field="before") from None


def one(request: HttpRequest, tenant_id: UUID, import_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.VIEW_FEED)
    found = access_import(actor_of(request), tenant_id, import_id)
    may = permissions_of(actor_of(request), tenant)
    shown = {"tenant": tenant, "import": found, "rate": found.rate(utc_now()), "may": may}
    if found.state == ImportState.REVIEW and Permission.IMPORT in may:
        shown |= _review(found)
    return framed(request, "imports/import.html", shown)


def _review(
    waiting: Import, chosen: Sequence[str] = (), error: EmberwatchError | None = None
) -> dict[str, object]:
    """The columns of a table with what they are taken for or were chosen to be, or why they cannot be shown."""
    try:
        found = columns_of(waiting)
    except EmberwatchError as failed:
        return {"columns_error": failed}
    held = chosen if len(chosen) == len(found.columns) else [column.role.value for column in found.columns]
    rows = list(zip(found.columns, held, strict=True))
    return {"columns": found, "rows": rows, "roles": list(Role), "columns_error": error}


@require_POST
def columns(request: HttpRequest, tenant_id: UUID, import_id: UUID) -> HttpResponse:
    tenant = enter_tenant(request, tenant_id, Permission.IMPORT)
    found = access_import(actor_of(request), tenant_id, import_id)
    roles = request.POST.getlist("role")
    try:
        confirm_columns(found, roles, actor=actor_of(request), now=utc_now())
    except BadInput as error:
        found.columns = []
        may = permissions_of(actor_of(request), tenant)
        shown = {"tenant": tenant, "import": found, "may": may} | _review(found, roles, error)
        return framed(request, "imports/import.html", shown, status=HTTPStatus.BAD_REQUEST)
    return redirect("import", tenant_id, import_id)


@require_POST
def undo(request: HttpRequest, tenant_id: UUID, import_id: UUID) -> HttpResponse:
    found = access_import(actor_of(request), tenant_id, import_id)
    request_undo(found, actor=actor_of(request), now=utc_now())
    return redirect("import", tenant_id, import_id)


@require_POST
def retry(request: HttpRequest, tenant_id: UUID, import_id: UUID) -> HttpResponse:
    found = access_import(actor_of(request), tenant_id, import_id)
    retry_import(found, actor=actor_of(request), now=utc_now())
    return redirect("import", tenant_id, import_id)


@csrf_exempt
def new(request: HttpRequest, tenant_id: UUID) -> HttpResponseBase:
    """The handler must be in place before the forgery check reads the body, and access comes before both."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.IMPORT)
    handler = SealedFilesHandler(request, lambda: open_upload(tenant, actor=actor_of(request)))
    request.upload_handlers = [handler]
    try:
        return _new(request, tenant, handler)
    finally:
        handler.discard()


@csrf_protect
def _new(request: HttpRequest, tenant: Tenant, handler: SealedFilesHandler) -> HttpResponse:
    enter_tenant(request, tenant.id, Permission.IMPORT)
    if request.method != "POST":
        return _form(request, tenant, Form({"review": "yes"}))
    typed = posted(request, *OPTIONS)
    try:
        started = _start(request, tenant, typed, handler)
    except BadInput as error:
        return _form(request, tenant, Form(typed, error))
    return _started(request, tenant, started)


def _start(
    request: HttpRequest, tenant: Tenant, typed: dict[str, str], handler: SealedFilesHandler
) -> list[Import]:
    options = options_of(typed)
    uploads = _complete_uploads(request, handler)
    started = []
    for upload in uploads:
        started.append(
            request_import(
                tenant,
                upload.import_id,
                upload.name or "",
                upload.size or 0,
                options,
                actor=actor_of(request),
                now=utc_now(),
            )
        )
        handler.handed_over(upload)
    return started


def options_of(typed: Mapping[str, str]) -> ImportOptions:
    passwords = tuple(Secret(line) for line in typed["passwords"].splitlines() if line)
    return ImportOptions(
        typed["format"],
        typed["source_kind"],
        typed["source_name"],
        _date(typed["leaked_at"], "Leak date", "leaked_at"),
        _date(typed["breached_at"], "Breach date", "breached_at"),
        passwords=passwords,
        review=typed["review"] == "yes",
    )


def _date(text: str, label: str, field: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        raise BadInput(f"{label} needs a date such as 2026-01-31.", field=field) from None


def _complete_uploads(request: HttpRequest, handler: SealedFilesHandler) -> list[SealedUpload]:
    if handler.is_too_large:
        raise BadInput("The file is larger than a browser may send.", remedy=_BY_SHELL, field=FILE_FIELD)
    if LAST_FIELD not in request.POST:
        raise BadInput("The upload was cut off.", remedy="Send the file again.", field=FILE_FIELD)
    uploads = [file for file in request.FILES.getlist(FILE_FIELD) if isinstance(file, SealedUpload)]
    if not uploads:
        raise BadInput("Choose at least one file.", field=FILE_FIELD)
    return uploads


_BY_SHELL: Final = "Import it on the server with `emberwatch import`."


def _form(request: HttpRequest, tenant: Tenant, form: Form) -> HttpResponse:
    status = HTTPStatus.OK
    if form.error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_htmx(request) else HTTPStatus.BAD_REQUEST
    shown = {
        "tenant": tenant,
        "form": form,
        "formats": [(name, FORMAT_LABELS.get(name, name)) for name in format_names()],
        "source_kinds": SourceKind.choices,
    }
    return framed(request, "imports/new.html", shown, status=status)


FORMAT_LABELS: Final = {
    "stealer": "Stealer log",
    "ulp": "ULP lines (URL, login, password)",
    "combo": "Combo list (login, password)",
    "csv": "Table (CSV, TSV)",
    "json": "JSON, one object a line or an array",
    "sql": "SQL dump",
    "filezilla": "FTP site list (FileZilla)",
}


def _started(request: HttpRequest, tenant: Tenant, started: list[Import]) -> HttpResponse:
    if len(started) == 1:
        target = reverse("import", args=[tenant.id, started[0].id])
    else:
        messages.success(request, f"{len(started)} files are queued for import.")
        target = reverse("imports", args=[tenant.id])
    return HttpResponse(headers={"HX-Redirect": target}) if is_htmx(request) else redirect(target)
