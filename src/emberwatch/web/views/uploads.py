"""Files in chunks from the page's own script, which shows progress and goes on after a lost connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, EmberwatchError, NotAllowed, NotFound
from emberwatch.ingestion.chunks import (
    CHUNK_BYTES,
    LARGEST_CHUNK,
    access_upload,
    begin_upload,
    finish_upload,
    receive_chunk,
)
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant
from emberwatch.web.access import actor_of
from emberwatch.web.forms import posted
from emberwatch.web.views.imports import OPTIONS, options_of

_STATUS = {NotFound: HTTPStatus.NOT_FOUND, NotAllowed: HTTPStatus.FORBIDDEN, BadInput: HTTPStatus.BAD_REQUEST}


def _answers(view: Callable[..., JsonResponse]) -> Callable[..., JsonResponse]:
    """Errors in a form that the script can show."""

    @wraps(view)
    def answered(request: HttpRequest, *args: object, **named: object) -> JsonResponse:
        try:
            return view(request, *args, **named)
        except EmberwatchError as error:
            status = _STATUS.get(type(error), HTTPStatus.CONFLICT)
            return JsonResponse({"message": error.message, "remedy": error.remedy}, status=status)

    return answered


def _tenant(request: HttpRequest, tenant_id: UUID) -> Tenant:
    return access_tenant(actor_of(request), tenant_id, Permission.IMPORT)


@require_POST
@_answers
def begin(request: HttpRequest, tenant_id: UUID) -> JsonResponse:
    tenant = _tenant(request, tenant_id)
    typed = posted(request, "file_name", "size", "mark")
    if not typed["size"].isdigit():
        raise BadInput("The size is not a number.", field="size")
    upload = begin_upload(
        tenant,
        typed["file_name"],
        int(typed["size"]),
        typed["mark"],
        actor=actor_of(request),
        now=utc_now(),
    )
    address = reverse("upload", args=[tenant.id, upload.id])
    return JsonResponse({"address": address, "received": upload.received, "chunk": CHUNK_BYTES})


@require_http_methods(["PUT"])
@_answers
def chunk(request: HttpRequest, tenant_id: UUID, upload_id: UUID) -> JsonResponse:
    upload = access_upload(_tenant(request, tenant_id), upload_id, actor_of(request))
    offset = request.GET.get("offset", "")
    if not offset.isdigit():
        raise BadInput("The offset is not a number.", field="offset")
    data = request.read(LARGEST_CHUNK + 1)
    return JsonResponse({"received": receive_chunk(upload, int(offset), data, now=utc_now()).received})


@require_POST
@_answers
def finish(request: HttpRequest, tenant_id: UUID, upload_id: UUID) -> JsonResponse:
    upload = access_upload(_tenant(request, tenant_id), upload_id, actor_of(request))
    options = options_of(posted(request, *OPTIONS))
    started = finish_upload(upload, options, actor=actor_of(request), now=utc_now())
    return JsonResponse({"address": reverse("import", args=[tenant_id, started.id])})
