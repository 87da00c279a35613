"""Bearer tokens: the only way in. A session's cookie opens nothing here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.security import HttpBearer

from emberwatch.accounts.actor import Actor
from emberwatch.accounts.services import actor_for_token
from emberwatch.api.problems import problem
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret


class ApiTokenAuth(HttpBearer):
    """An API token of one person for one tenant."""

    def authenticate(self, _request: HttpRequest, token: str) -> Actor | None:
        return actor_for_token(Secret(token), now=utc_now())


def actor_of(request: HttpRequest) -> Actor:
    actor: Actor = request.auth  # type: ignore[attr-defined]
    return actor


def not_signed_in(request: HttpRequest, _error: Any) -> HttpResponse:
    given = "Authorization" in request.headers
    response = problem(
        HTTPStatus.UNAUTHORIZED,
        "The API token is unknown, expired or revoked." if given else "This needs an API token.",
        remedy="Send `Authorization: Bearer` with a token made on the page API tokens.",
        field="Authorization",
    )
    response.headers["WWW-Authenticate"] = 'Bearer realm="emberwatch"' + (
        ', error="invalid_token"' if given else ""
    )
    return response
