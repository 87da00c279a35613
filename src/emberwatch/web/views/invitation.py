"""The one-time link by which a person joins."""

from __future__ import annotations

from typing import Final

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters

from emberwatch.accounts.services import accept_invitation, invitation_for
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.web.forms import Form, posted

BACKEND: Final = "allauth.account.auth_backends.AuthenticationBackend"


@sensitive_post_parameters("password")
def accept(request: HttpRequest, token: str) -> HttpResponse:
    response = _accept(request, Secret(token)) if request.method == "POST" else _show(request, Secret(token))
    # The address holds the token, so it is told to nobody. "no-referrer" would also blank the Origin of the
    # form's own request, which the forgery check needs.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


def _show(request: HttpRequest, token: Secret, form: Form | None = None) -> HttpResponse:
    invitation = invitation_for(token, now=utc_now())
    shown = {"invitation": invitation, "form": form or Form()}
    # Not 400 after a mistake: the framework logs the address of such answers, and this one holds the token.
    return render(request, "people/invitation.html", shown)


def _accept(request: HttpRequest, token: Secret) -> HttpResponse:
    typed = posted(request, "email")
    password = Secret(request.POST.get("password", ""))
    try:
        user = accept_invitation(token, typed["email"], password, now=utc_now())
    except BadInput as error:
        return _show(request, token, Form(typed, error))
    login(request, user, backend=BACKEND)
    return redirect("home")
