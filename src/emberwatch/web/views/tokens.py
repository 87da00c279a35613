"""API tokens: one's own, each bound to one tenant."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from emberwatch.accounts.queries import tokens_of
from emberwatch.accounts.services import create_api_token, revoke_api_token
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, NotFound
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant, visible_tenants
from emberwatch.web.access import actor_of, user_of
from emberwatch.web.forms import Form, posted


def listing(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, Form({"tenant": request.session.get("tenant", "")}))
    typed = posted(request, "name", "tenant")
    try:
        return _created(request, typed)
    except BadInput as error:
        return _page(request, Form(typed, error), status=HTTPStatus.BAD_REQUEST)


def _created(request: HttpRequest, typed: dict[str, str]) -> HttpResponse:
    actor = actor_of(request)
    try:
        tenant = access_tenant(actor, typed["tenant"], Permission.VIEW_FEED)
    except NotFound:
        raise BadInput("Choose a tenant.", field="tenant") from None
    token, text = create_api_token(user_of(request), tenant, typed["name"], actor=actor, now=utc_now())
    return _page(request, Form(), created=token, text=text.expose())


def _page(request: HttpRequest, form: Form, *, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    shown = {
        "form": form,
        "tokens": tokens_of(user_of(request)),
        "tenants": visible_tenants(actor_of(request)),
        "now": utc_now(),
    }
    return render(request, "tokens/listing.html", shown | more, status=status)


@require_POST
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    revoke_api_token(user_of(request), token_id, actor=actor_of(request), now=utc_now())
    messages.success(request, "The token was revoked; it opens nothing any more.")
    return redirect("tokens")
