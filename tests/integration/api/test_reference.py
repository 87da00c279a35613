"""The reference page names every operation and asks for nothing from outside."""

from __future__ import annotations

import re

import pytest
from django.test import Client

# The ledger's exports are tables too.
SUCCESSES = {"application/json", "text/csv", "application/x-ndjson"}

pytestmark = pytest.mark.django_db


def test_the_document_and_its_page_name_every_operation() -> None:
    document = Client().get("/api/v1/openapi.json").json()
    page = Client().get("/api/v1/docs").content.decode()
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len(operations) == 82
    for operation in operations:
        assert f'id="{operation["operationId"]}"' in page
        assert operation["description"]
    for shape in document["components"]["schemas"]:
        assert f'id="shape-{shape}"' in page


def test_every_failure_is_documented_as_a_problem() -> None:
    document = Client().get("/api/v1/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            kinds = {
                (status, media)
                for status, answer in operation["responses"].items()
                for media in answer.get("content", {})
            }
            assert ("401", "application/problem+json") in kinds
            assert {media for status, media in kinds if status < "300"} <= SUCCESSES
            assert all(media == "application/problem+json" for status, media in kinds if status >= "400")


def test_the_page_needs_no_script_and_nothing_from_outside() -> None:
    page = Client().get("/api/v1/docs")
    text = page.content.decode()
    assert "<script" not in text
    assert "<style" not in text
    assert not re.search(r"\sstyle=|\son\w+=", text)
    links = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert links
    assert all(link.startswith(("#", "/api/v1/")) for link in links)
    assert "script-src 'self'" in page["Content-Security-Policy"]
    style = Client().get("/api/v1/docs.css")
    assert style["Content-Type"].startswith("text/css")
    assert "url(" not in style.content.decode()
    assert "@import" not in style.content.decode()
