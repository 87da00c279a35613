"""Files in chunks: for what is too large for one request, or a line too weak for it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Field, Query, Router, Schema, Status
from pydantic import ConfigDict

from emberwatch.api import rendering
from emberwatch.api.answers import answers
from emberwatch.api.auth import actor_of
from emberwatch.api.problems import TooLarge
from emberwatch.api.routes.imports import ImportForm
from emberwatch.api.shapes import Id, ImportOut
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import NotFound
from emberwatch.ingestion.chunks import (
    CHUNK_BYTES,
    LARGEST_CHUNK,
    access_upload,
    begin_upload,
    finish_upload,
    receive_chunk,
)
from emberwatch.ingestion.models import Upload
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

router = Router(tags=["Imports"])

_CONTENT: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class UploadIn(Schema):
    model_config = ConfigDict(extra="forbid")

    file_name: str = Field(max_length=500, pattern=r"^[^\x00-\x1f]*$")
    size: int = Field(ge=0, le=2**50)
    mark: str = Field(
        "",
        max_length=150,
        pattern=r"^[^\x00-\x1f]*$",
        description="What you know the file by: an upload that broke off is found again by it and the size.",
    )


class UploadOut(Schema):
    id: Id
    file_name: str
    size: int
    received: int = Field(description="The offset of the chunk that comes next.")
    chunk: int = Field(description="A good size of a chunk; all but the last are multiples of 1 MiB.")


class ChunkQuery(Schema):
    offset: int = Field(0, ge=0, le=2**50)


def _shown(upload: Upload) -> UploadOut:
    return UploadOut(
        id=str(upload.id),
        file_name=upload.file_name,
        size=upload.size,
        received=upload.received,
        chunk=CHUNK_BYTES,
    )


def _upload(request: HttpRequest, tenant_id: str, upload_id: str) -> Upload:
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.IMPORT)
    try:
        return access_upload(tenant, UUID(upload_id), actor)
    except ValueError:
        raise NotFound("There is no such upload.") from None


@router.post(
    "/tenants/{tenant_id}/uploads", response=answers(200, UploadOut, 400), operation_id="begin_upload"
)
def begin(request: HttpRequest, tenant_id: Id, wanted: UploadIn) -> UploadOut:
    """Begins an upload in chunks, or finds the one that broke off."""
    actor = actor_of(request)
    tenant = access_tenant(actor, tenant_id, Permission.IMPORT)
    return _shown(
        begin_upload(tenant, wanted.file_name, wanted.size, wanted.mark, actor=actor, now=utc_now())
    )


@router.put(
    "/tenants/{tenant_id}/uploads/{upload_id}",
    response=answers(200, UploadOut, 400, 409, 413),
    operation_id="send_chunk",
    openapi_extra=_CONTENT,
)
def send_chunk(request: HttpRequest, tenant_id: Id, upload_id: Id, at: Query[ChunkQuery]) -> UploadOut:
    """Takes the bytes from an offset on; a chunk that is there already is answered and not stored again."""
    upload = _upload(request, tenant_id, upload_id)
    data = request.read(LARGEST_CHUNK + 1)
    if len(data) > LARGEST_CHUNK:
        raise TooLarge
    return _shown(receive_chunk(upload, at.offset, data, now=utc_now()))


@router.post(
    "/tenants/{tenant_id}/uploads/{upload_id}/import",
    response=answers(202, ImportOut, 400, 409),
    operation_id="import_upload",
)
def import_upload(
    request: HttpRequest,
    response: HttpResponse,
    tenant_id: Id,
    upload_id: Id,
    wanted: Annotated[ImportForm, Field(description="What is stated about the data.")],
) -> Status[ImportOut]:
    """Queues the import of an upload that is complete."""
    upload = _upload(request, tenant_id, upload_id)
    started = finish_upload(upload, wanted.options(), actor=actor_of(request), now=utc_now())
    response.headers["Location"] = reverse("api:get_import", args=[tenant_id, str(started.id)])
    return Status(HTTPStatus.ACCEPTED, rendering.leak_import(started))
