"""Where one arrives."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from emberwatch.tenants.queries import visible_tenants
from emberwatch.web.access import actor_of


def home(request: HttpRequest) -> HttpResponse:
    """Without any tenant there is nothing to browse: making one comes first."""
    return redirect("feeds" if visible_tenants(actor_of(request)).exists() else "tenants")


def configure(_request: HttpRequest) -> HttpResponse:
    return redirect("tenants")
