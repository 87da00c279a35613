"""The API object: its routes, how errors are told, and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from django.http import Http404, HttpRequest
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as NinjaValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.renderers import JSONRenderer
from ninja.responses import NinjaJSONEncoder

from emberwatch import __version__
from emberwatch.api.auth import ApiTokenAuth, not_signed_in
from emberwatch.api.problems import MEDIA_TYPE, UnsupportedMediaType, on_error
from emberwatch.api.reference import Reference
from emberwatch.api.routes import (
    alerts,
    attempts,
    audit,
    cases,
    choices,
    closings,
    credentials,
    directory,
    directory_sync,
    identities,
    imports,
    machines,
    remediations,
    runs,
    soc,
    tenants,
    uploads,
    validations,
)

_JSON: Final = "application/json"
_TEXT_HEADER: Final = {"required": True, "schema": {"type": "string"}}
_HEADERS: Final = {
    "401": {"WWW-Authenticate": _TEXT_HEADER},
    "202": {"Location": _TEXT_HEADER | {"description": "The address to poll."}},
}
_INTRODUCTION: Final = (
    "Emberwatch's services over HTTP. A token speaks for one person in one tenant; other tenants are 404. "
    "Every error is a problem document (RFC 9457). Times are ISO 8601 in UTC, ids are strings. "
    "No answer holds a plaintext password."
)


class _Encoder(NinjaJSONEncoder):
    """Times to the microsecond: an audit row's hash is made over all of it."""

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime):
            return o.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return super().default(o)


class _Renderer(JSONRenderer):
    encoder_class = _Encoder


class JsonOnly(Parser):
    """Reads JSON bodies that say that they are JSON."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != _JSON:
            raise UnsupportedMediaType(_JSON)
        return super().parse_body(request)


class EmberwatchApi(NinjaAPI):
    """django-ninja, with what it cannot say about errors and headers written into the document."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**options)
        for response, status in _responses(document):
            if int(status) >= 400:
                response["content"] = {MEDIA_TYPE: response["content"][_JSON]}
            if status in _HEADERS:
                response["headers"] = _HEADERS[status]
        return document


def _responses(document: OpenAPISchema) -> Iterator[tuple[dict[str, Any], str]]:
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                yield response, str(status)


api = EmberwatchApi(
    title="Emberwatch API",
    version=__version__,
    description=_INTRODUCTION,
    urls_namespace="api",
    auth=ApiTokenAuth(),
    parser=JsonOnly(),
    renderer=_Renderer(),
    docs=Reference(),
)
for _routes in (
    *(tenants, directory, directory_sync, choices, imports, uploads, credentials, identities, machines),
    *(closings, validations, runs, attempts, remediations, alerts, cases, soc, audit),
):
    api.add_router("", _routes.router)
# django-ninja looks for the nearest kind, and has answers of its own for all of these.
for _kind in (Exception, Http404, HttpError, NinjaValidationError):
    api.add_exception_handler(_kind, on_error)
api.add_exception_handler(AuthenticationError, not_signed_in)
