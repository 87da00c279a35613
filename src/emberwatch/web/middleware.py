"""What every answer has in common: a number that the log has too, nothing cached, errors that may be shown as pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import structlog
from django.http import HttpRequest, HttpResponse

from emberwatch.core.errors import EmberwatchError
from emberwatch.core.ids import new_id
from emberwatch.core.patterns import lazy
from emberwatch.web.errors import explain

Handler: TypeAlias = Callable[[HttpRequest], HttpResponse]


REQUEST_ID: Final = "X-Request-ID"
_USABLE: Final = lazy(r"[0-9A-Za-z._-]{8,64}")


def number_requests(get_response: Handler) -> Handler:
    """A proxy's own number is taken over, so that its log and ours can be laid side by side."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(REQUEST_ID, "")
        number = given if _USABLE.fullmatch(given) else str(new_id())
        with structlog.contextvars.bound_contextvars(request_id=number):
            response = get_response(request)
        response.headers[REQUEST_ID] = number
        return response

    return middleware


def no_store(get_response: Handler) -> Handler:
    """Static files are answered before this; everything else may hold what only one person may see."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def explain_errors(get_response: Handler) -> Handler:
    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        return explain(request, error) if isinstance(error, EmberwatchError) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware
