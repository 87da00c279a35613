"""The browsable reference: one page made from the OpenAPI document, without a script or an outside file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.urls import reverse
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

_FOLDER: Final = Path(__file__).parent / "templates" / "api"


class Reference(DocsBase):
    """Renders the page at ``/docs``."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **_: Any) -> HttpResponse:
        document = api.get_openapi_schema()
        template = Engine(dirs=[str(_FOLDER)]).get_template("reference.html")
        page = {
            "document": document,
            "groups": _groups(document),
            "shapes": _shapes(document),
            "document_url": reverse("api:openapi-json"),
            "tenants_url": request.build_absolute_uri(reverse("api:list_tenants")),
            "style_url": reverse("api:reference-style"),
        }
        return HttpResponse(template.render(Context(page)))


def style_sheet(_request: HttpRequest) -> HttpResponse:
    text = (_FOLDER / "reference.css").read_text(encoding="utf-8")
    return HttpResponse(text, content_type="text/css; charset=utf-8")


def _groups(document: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Operations under the name of their first tag, in the document's order."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    return list(groups.items())


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "text": operation.get("description", ""),
        "parameters": [_parameter(parameter) for parameter in operation["parameters"]],
        "bodies": [(media, _pretty(content["schema"])) for media, content in body.items()],
        "answers": [_answer(status, answer) for status, answer in operation["responses"].items()],
    }


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    shown = ("type", "format", "enum", "minimum", "maximum", "maxLength", "default")
    rules = {name: parameter["schema"][name] for name in shown if name in parameter["schema"]}
    return {**parameter, "rules": json.dumps(rules)[1:-1].replace('"', "")}


def _answer(status: int | str, answer: dict[str, Any]) -> dict[str, Any]:
    kinds = [(media, _name_of(content["schema"])) for media, content in answer.get("content", {}).items()]
    media, shape = kinds[0] if kinds else ("", "")
    return {"status": status, "title": answer["description"], "media": media, "shape": shape}


def _name_of(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _shapes(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, _pretty(schema)) for name, schema in sorted(document["components"]["schemas"].items())]


def _pretty(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)
