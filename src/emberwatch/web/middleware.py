"""What every page has in common: nothing is cached, and errors that may be shown become pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from django.http import HttpRequest, HttpResponse

from emberwatch.core.errors import EmberwatchError
from emberwatch.web.errors import explain

Handler: TypeAlias = Callable[[HttpRequest], HttpResponse]


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
