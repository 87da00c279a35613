"""Every error of the API is a problem document (RFC 9457), whichever layer it comes from."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, Literal

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from ninja import Field, Schema
from ninja.errors import HttpError, ValidationError

from emberwatch.core.errors import BadInput, Conflict, EmberwatchError, NotAllowed, NotFound, Unavailable

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


class Problem(Schema):
    """What went wrong, in plain words, and what to do about it."""

    type: Literal["about:blank"] = Field(description="The status says what kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="One plain sentence about this very request.")
    remedy: str = Field(description="What to do about it; empty when there is nothing to say.")
    field: str = Field(description="The input that is at fault; empty when it is none in particular.")


class UnsupportedMediaType(Exception):
    """The body is of a kind that the operation does not read."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class TooLarge(Exception):
    """The body is larger than the operation reads."""


def problem(status: HTTPStatus, detail: str, *, remedy: str = "", field: str = "") -> HttpResponse:
    body = Problem(
        type="about:blank", title=status.phrase, status=status, detail=detail, remedy=remedy, field=field
    )
    return JsonResponse(body.model_dump(), status=status, content_type=MEDIA_TYPE)


# The first kind that fits decides, so a kind stands before the kinds it belongs to.
_SERVICE_ERRORS: Final[Mapping[type[EmberwatchError], HTTPStatus]] = {
    BadInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    NotAllowed: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    EmberwatchError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_REQUEST_ERRORS: Final[Mapping[type[Exception], tuple[HTTPStatus, str]]] = {
    TooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large."),
    RequestDataTooBig: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large."),
    SuspiciousOperation: (HTTPStatus.BAD_REQUEST, "The request cannot be read."),
    MultiPartParserError: (HTTPStatus.BAD_REQUEST, "The form in the body cannot be read."),
    UnreadablePostError: (HTTPStatus.BAD_REQUEST, "The body ended before its end."),
    Http404: (HTTPStatus.NOT_FOUND, "There is nothing at this address."),
    OperationalError: (HTTPStatus.SERVICE_UNAVAILABLE, "The database did not answer."),
    InterfaceError: (HTTPStatus.SERVICE_UNAVAILABLE, "The database did not answer."),
}


# Where pydantic's own words would be a regular expression.
_SENTENCES: Final[Mapping[str, str]] = {
    "string_pattern_mismatch": "This does not have the form that the reference describes",
}


def problem_of(error: Exception) -> HttpResponse:
    """The document for any error. What a fault of ours says goes to the log's reader, never to the caller."""
    if isinstance(error, EmberwatchError):
        status = next(status for kind, status in _SERVICE_ERRORS.items() if isinstance(error, kind))
        return problem(status, error.message, remedy=error.remedy, field=error.field)
    if isinstance(error, ValidationError):
        return _of_validation(error)
    if isinstance(error, HttpError):
        return _of_http_error(error)
    if isinstance(error, UnsupportedMediaType):
        sentence = f"This operation reads {error.wanted} in UTF-8."
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, sentence, field="Content-Type")
    for kind, (status, sentence) in _REQUEST_ERRORS.items():
        if isinstance(error, kind):
            return problem(status, sentence)
    return _of_our_fault(error)


def _of_validation(error: ValidationError) -> HttpResponse:
    first: dict[str, Any] = error.errors[0]
    field = field_name(first["loc"])
    sentence = _SENTENCES.get(first["type"], str(first["msg"]))
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {sentence}.", field=field)


def field_name(location: tuple[str | int, ...]) -> str:
    """The last name in a place such as ``("query", "wanted", "limit")``; numbers are places in a list."""
    names = [str(part) for part in location if isinstance(part, str)]
    return names[-1] if names else "body"


def _of_http_error(error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, UnsupportedMediaType):
        return problem_of(error.__cause__)
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.BAD_REQUEST:
        return problem(status, "The body is not JSON.", field="body")
    return problem(status, error.message)


def _of_our_fault(error: Exception) -> HttpResponse:
    # Messages and arguments may quote what was sent; the kind and the places in the code cannot.
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    log.error("api_failed", kind=type(error).__name__, places=places[-8:])
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "Emberwatch failed on this request; its log holds the details."
    )


def on_error(_request: HttpRequest, error: Any) -> HttpResponse:
    return problem_of(error)


View = Callable[..., HttpResponseBase]


def guarded(view: View) -> View:
    """Wraps every view of the API: problem documents for all errors, no caching, no cookie, no CSRF."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            _refuse_ambiguity(request)
            response = view(request, *args, **kwargs)
        except Exception as error:
            response = problem_of(error)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response = _method_not_allowed(response)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    # Only the Authorization header speaks for anybody here, so there is nothing to forge.
    answer.csrf_exempt = True  # type: ignore[attr-defined]
    return answer


def _refuse_ambiguity(request: HttpRequest) -> None:
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if charset not in _CHARSETS:
        raise UnsupportedMediaType(request.content_type or "a body")
    for name, values in request.GET.lists():
        if len(values) > 1:
            raise BadInput(f"{name[:40]} is given more than once.", field=name[:40])


def _method_not_allowed(response: HttpResponseBase) -> HttpResponse:
    allowed = ", ".join(sorted(response.headers.get("Allow", "").split(", ")))
    fresh = problem(HTTPStatus.METHOD_NOT_ALLOWED, f"This address takes {allowed}.")
    fresh.headers["Allow"] = allowed
    return fresh


def nothing_here(_request: HttpRequest) -> HttpResponse:
    raise Http404
