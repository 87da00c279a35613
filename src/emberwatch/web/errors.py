"""Pages for what went wrong: what happened, what it means, what to do. None shows internals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from emberwatch.core.errors import BadInput, Conflict, EmberwatchError, NotAllowed, NotFound, Unavailable
from emberwatch.web.access import is_htmx


@dataclass(frozen=True, slots=True)
class Kind:
    status: HTTPStatus
    title: str
    meaning: str
    remedy: str


KINDS: Final[Mapping[type[EmberwatchError], Kind]] = {
    BadInput: Kind(
        HTTPStatus.BAD_REQUEST,
        "This cannot be used",
        "Nothing was changed.",
        "Go back, mend it and try again.",
    ),
    NotFound: Kind(
        HTTPStatus.NOT_FOUND,
        "Not found",
        "It does not exist, or it belongs to a tenant that you are not a member of.",
        "Check the address, or ask a tenant admin for access.",
    ),
    NotAllowed: Kind(
        HTTPStatus.FORBIDDEN,
        "Not permitted",
        "Your role does not include this. Nothing was changed.",
        "Ask a tenant admin for another role.",
    ),
    Conflict: Kind(
        HTTPStatus.CONFLICT,
        "Not possible right now",
        "The present state does not allow it. Nothing was changed.",
        "Reload the page to see the present state.",
    ),
    Unavailable: Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Something did not answer",
        "Emberwatch depends on something that cannot be reached at the moment.",
        "Try again in a minute.",
    ),
}
_FALLBACK: Final = Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", "", "Try again.")


def explain(request: HttpRequest, error: EmberwatchError) -> HttpResponse:
    """The page of an error that may be shown, or only its notice when a part of a page was asked for."""
    kind = next((kind for cls, kind in KINDS.items() if isinstance(error, cls)), _FALLBACK)
    shown = {"kind": kind, "sentence": error.message, "remedy": error.remedy or kind.remedy}
    template = "errors/notice.html" if is_htmx(request) else "errors/in_shell.html"
    return render(request, template, shown, status=kind.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return _plain(request, KINDS[BadInput], "The request could not be understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return _plain(request, KINDS[NotAllowed], "This is not permitted.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    return _plain(request, KINDS[NotFound], "There is no such page.")


def server_error(request: HttpRequest) -> HttpResponse:
    number = structlog.contextvars.get_contextvars().get("request_id", "")
    kind = Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Emberwatch failed",
        f"This is a fault of Emberwatch, not of what you did. Its log holds the details under {number}.",
        "Try again; if it stays, tell whoever runs this installation.",
    )
    return _plain(request, kind, "The page could not be made.")


def _plain(request: HttpRequest, kind: Kind, sentence: str) -> HttpResponse:
    """Without the sidebar: it is read from the database, which may be what failed."""
    shown = {"kind": kind, "sentence": sentence, "remedy": kind.remedy}
    template = "errors/notice.html" if is_htmx(request) else "errors/alone.html"
    return render(request, template, shown, status=kind.status)
