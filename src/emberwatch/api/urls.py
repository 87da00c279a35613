"""Addresses under ``/api/v1/``. Every view is guarded, and what matches none of them is a problem document too."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from emberwatch.api.app import api
from emberwatch.api.problems import guarded, nothing_here
from emberwatch.api.reference import style_sheet

app_name = "api"


def _guarded(pattern: URLPattern) -> URLPattern:
    pattern.callback = guarded(pattern.callback)
    return pattern


urlpatterns = [
    path("docs.css", guarded(style_sheet), name="reference-style"),
    *(_guarded(pattern) for pattern in api.urls[0] if isinstance(pattern, URLPattern)),
    re_path(r"^", guarded(nothing_here)),
]
