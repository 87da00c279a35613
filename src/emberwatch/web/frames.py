"""One template serves a page and the part of it that htmx asks for: only the frame around it differs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from emberwatch.web.access import is_htmx


def framed(
    request: HttpRequest, template: str, shown: Mapping[str, Any], *, status: int = HTTPStatus.OK
) -> HttpResponse:
    """The template extends ``frame``: the whole page, or its block ``content`` alone."""
    frame = "part.html" if is_htmx(request) else "shell.html"
    return render(request, template, {**shown, "frame": frame}, status=status)
