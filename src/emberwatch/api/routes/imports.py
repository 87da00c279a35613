"""Imports of leaked data. An upload goes from the socket into a sealed spool, never into a file in clear."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Field, Query, Router, Schema, Status
from ninja.errors import HttpError, ValidationError
from pydantic import ConfigDict, SecretStr
from pydantic import ValidationError as ShapeError

from emberwatch.accounts.actor import Actor
from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.paging import Page, Paging
from emberwatch.api.problems import TooLarge, UnsupportedMediaType
from emberwatch.api.shapes import ColumnMapOut, Id, ImportDetailOut, ImportOut
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.ingestion import services
from emberwatch.ingestion.columns import columns_of, confirm_columns
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.queries import access_import, newest_imports
from emberwatch.ingestion.services import ImportOptions, open_upload, request_import
from emberwatch.ingestion.undoing import request_undo
from emberwatch.ingestion.uploads import FILE_FIELD, SealedSpoolHandler
from emberwatch.parsing.columns import parse_roles
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, permissions_of

router = Router(tags=["Imports"])

_FORM: Final = "multipart/form-data"


class ImportForm(Schema):
    """What is stated about the data; leave out what should be worked out."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[str, Field(max_length=32, description="The parser; automatic when left out.")] = ""
    source_kind: Annotated[
        str, Field(max_length=16, description="stealer_log, ulp, combo_list, breach …")
    ] = ""
    source_name: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")] = ""
    leaked_at: Annotated[str, Field(max_length=40, description="Day or moment of the leak, ISO 8601.")] = ""
    breached_at: Annotated[str, Field(max_length=40, description="When the service was breached.")] = ""
    archive_passwords: Annotated[
        SecretStr,
        Field(max_length=100_000, description="To try on protected archives, one a line; kept sealed."),
    ] = SecretStr("")
    columns: Annotated[
        str,
        Field(
            max_length=20_000, description="Of a table: one role a column, such as `login,password,-,url`."
        ),
    ] = ""
    review: Annotated[
        bool, Field(description="A table waits in the state `review` until its columns are confirmed.")
    ] = False

    def options(self) -> ImportOptions:
        return ImportOptions(
            format=self.format,
            source_kind=self.source_kind,
            source_name=self.source_name,
            leaked_at=_moment(self.leaked_at, "leaked_at"),
            breached_at=_moment(self.breached_at, "breached_at"),
            passwords=tuple(_lines(self.archive_passwords)),
            columns=parse_roles(self.columns) if self.columns else (),
            review=self.review,
        )


class ColumnsIn(Schema):
    model_config = ConfigDict(extra="forbid")

    columns: list[Annotated[str, Field(max_length=20)]] = Field(
        max_length=2000, description="One role for each column, in their order."
    )


def _lines(text: SecretStr) -> Iterator[Secret]:
    """Blanks may belong to a password; only a line's own end is taken away."""
    for line in text.get_secret_value().split("\n"):
        if password := line.removesuffix("\r"):
            yield Secret(password)


def _moment(text: str, field: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{field} needs a date such as 2026-01-31.", field=field) from None


def _body_of_upload() -> dict[str, Any]:
    schema = ImportForm.model_json_schema()
    # Binary: the content is any bytes at all, so the document describes it by its media type alone.
    schema["properties"] = {FILE_FIELD: {"type": "string", "format": "binary"}} | schema["properties"]
    schema["required"] = [FILE_FIELD]
    return {"requestBody": {"required": True, "content": {_FORM: {"schema": schema}}}}


@router.get(
    "/tenants/{tenant_id}/imports", response=answers(200, Page[ImportOut]), operation_id="list_imports"
)
def list_imports(request: HttpRequest, tenant_id: Id, page: Query[Paging]) -> Page[ImportOut]:
    """The tenant's imports, newest first."""
    tenant = access_tenant(actor_of(request), tenant_id, Permission.VIEW_FEED)
    rows = newest_imports(tenant, before=_before(page.cursor), limit=page.limit + 1)
    shown = rows[: page.limit]
    more = len(rows) > page.limit
    return Page[ImportOut](
        items=[rendering.leak_import(row) for row in shown], next_cursor=str(shown[-1].id) if more else None
    )


def _before(cursor: str) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        raise BadInput("The cursor is not one that Emberwatch made.", field="cursor") from None


@router.get(
    "/tenants/{tenant_id}/imports/{import_id}",
    response=answers(200, ImportDetailOut),
    operation_id="get_import",
    url_name="get_import",
)
def get_import(request: HttpRequest, tenant_id: Id, import_id: Id) -> ImportDetailOut:
    """One import: how far it is, its counts, and why entries were rejected."""
    actor = actor_of(request)
    found = access_import(actor, tenant_id, import_id)
    return rendering.import_detail(found, permissions_of(actor, found.tenant))


@router.post(
    "/tenants/{tenant_id}/imports",
    response=answers(202, ImportOut, 409, 413),
    operation_id="start_import",
    openapi_extra=_body_of_upload(),
)
def start_import(request: HttpRequest, response: HttpResponse, tenant_id: Id) -> Status[ImportOut]:
    """Takes a file of leaked data and queues its import."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.IMPORT)
    if request.content_type != _FORM:
        raise UnsupportedMediaType(_FORM)
    started = _receive(request, tenant, actor)
    response.headers["Location"] = reverse("api:get_import", args=[str(tenant.id), str(started.id)])
    return Status(HTTPStatus.ACCEPTED, rendering.leak_import(started))


@router.post(
    "/tenants/{tenant_id}/imports/{import_id}/undo",
    response=answers(202, ImportOut, 409),
    operation_id="undo_import",
)
def undo_import(
    request: HttpRequest, response: HttpResponse, tenant_id: Id, import_id: Id
) -> Status[ImportOut]:
    """Removes what only this import brought; stops it first when it is running."""
    actor = actor_of(request)
    found = access_import(actor, tenant_id, import_id)
    request_undo(found, actor=actor, now=utc_now())
    return _accepted(actor, response, found)


@router.post(
    "/tenants/{tenant_id}/imports/{import_id}/retry",
    response=answers(202, ImportOut, 409),
    operation_id="retry_import",
)
def retry_import(
    request: HttpRequest, response: HttpResponse, tenant_id: Id, import_id: Id
) -> Status[ImportOut]:
    """Goes on with an import that failed; what was read stays."""
    actor = actor_of(request)
    found = access_import(actor, tenant_id, import_id)
    services.retry_import(found, actor=actor, now=utc_now())
    return _accepted(actor, response, found)


@router.get(
    "/tenants/{tenant_id}/imports/{import_id}/columns",
    response=answers(200, ColumnMapOut, 400, 409),
    operation_id="get_columns",
)
def get_columns(request: HttpRequest, tenant_id: Id, import_id: Id) -> ColumnMapOut:
    """What each column of a table is taken for, with masked samples."""
    return rendering.column_map(columns_of(_importable(request, tenant_id, import_id)))


@router.put(
    "/tenants/{tenant_id}/imports/{import_id}/columns",
    response=answers(202, ImportOut, 400, 409),
    operation_id="confirm_columns",
)
def put_columns(
    request: HttpRequest, response: HttpResponse, tenant_id: Id, import_id: Id, wanted: ColumnsIn
) -> Status[ImportOut]:
    """Says what the columns hold, and queues the import that waited for it."""
    actor = actor_of(request)
    found = _importable(request, tenant_id, import_id)
    confirm_columns(found, wanted.columns, actor=actor, now=utc_now())
    return _accepted(actor, response, found)


def _importable(request: HttpRequest, tenant_id: str, import_id: str) -> Import:
    actor = actor_of(request)
    access_tenant(actor, tenant_id, Permission.IMPORT)
    return access_import(actor, tenant_id, import_id)


def _accepted(actor: Actor, response: HttpResponse, found: Import) -> Status[ImportOut]:
    response.headers["Location"] = reverse("api:get_import", args=[str(found.tenant_id), str(found.id)])
    now = access_import(actor, found.tenant_id, found.pk)
    return Status(HTTPStatus.ACCEPTED, rendering.leak_import(now))


def _receive(request: HttpRequest, tenant: Tenant, actor: Actor) -> Import:
    upload = SealedSpoolHandler(request, lambda: open_upload(tenant, actor=actor))
    request.upload_handlers = [upload]
    try:
        options = _form_of(request).options()
        import_id, name = _finished(upload)
        return request_import(tenant, import_id, name, upload.size, options, actor=actor, now=utc_now())
    except BaseException:
        upload.discard()
        raise


def _form_of(request: HttpRequest) -> ImportForm:
    try:
        return ImportForm.model_validate(request.POST.dict())
    except ShapeError as error:
        raise ValidationError([dict(found) for found in error.errors(include_input=False)]) from None


def _finished(upload: SealedSpoolHandler) -> tuple[UUID, str]:
    if upload.is_too_large:
        raise TooLarge
    if upload.has_surplus:
        raise BadInput(f"Send one file, in the field {FILE_FIELD}.", field=FILE_FIELD)
    if upload.import_id is None:
        raise BadInput("The file is missing.", remedy="Send it with its name.", field=FILE_FIELD)
    if not upload.is_complete:
        raise HttpError(HTTPStatus.BAD_REQUEST, "The upload ended before its end.")
    return upload.import_id, upload.file_name or ""
