"""The kill switch of the installation: organisation admins alone."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.tenants.queries import require_organisation_admin
from emberwatch.validation.oversight import unknown_codes
from emberwatch.validation.stopping import earlier_stops, lift_kill_switch, stop_everything
from emberwatch.web.access import actor_of
from emberwatch.web.forms import Form, posted


def page(request: HttpRequest) -> HttpResponse:
    require_organisation_admin(actor_of(request))
    return _page(request)


@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    typed = posted(request, "reason")
    try:
        stop_everything(typed["reason"], actor=actor_of(request), now=utc_now())
    except BadInput as error:
        return _page(request, Form(typed, error))
    messages.success(request, "Nothing more is sent, to any directory.")
    return redirect("kill_switch")


@require_POST
def lift(request: HttpRequest) -> HttpResponse:
    lift_kill_switch(actor=actor_of(request), now=utc_now())
    messages.success(request, "Sign-ins are sent again; runs that were stopped go on by themselves.")
    return redirect("kill_switch")


def _page(request: HttpRequest, form: Form | None = None) -> HttpResponse:
    # Whether it is on, the frame of the page knows already.
    shown = {"form": form or Form(), "earlier": earlier_stops(), "codes": unknown_codes(None)}
    status = HTTPStatus.BAD_REQUEST if form else HTTPStatus.OK
    return render(request, "kill_switch.html", shown, status=status)
