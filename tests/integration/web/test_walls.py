"""What surrounds every page: security headers, no inline code, no outside address, plain error pages."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from pytest_django import Settings

from emberwatch.accounts.actor import SYSTEM
from emberwatch.channels.registry import KINDS
from emberwatch.config import urls as product_urls
from emberwatch.core.errors import Conflict, EmberwatchError, Unavailable
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Attempt, AttemptState, KillSwitch
from emberwatch.validation.operating import protect
from emberwatch.web import urls as web_urls
from tests.factories import (
    NOW,
    make_alert_rule,
    make_credential,
    make_delivery,
    make_plan,
    make_run,
)
from tests.integration.web.conftest import HTMX, Visit
from tests.integration.web.test_identities import make_identity
from tests.world import APP, DIRECTORY

pytestmark = pytest.mark.django_db

WEB: Final = Path(web_urls.__file__).parent
VENDOR: Final = WEB / "static" / "vendor"
STRICT: Final = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}
# A person may follow these to the directory's own pages, which are not told where they stood; a browser loads none.
LINK_OUT: Final = re.compile(
    r'<a class="[^"]*" href="https://(?:entra\.microsoft|login\.microsoftonline)\.com/[^"]*"'
    r' target="_blank" rel="noopener noreferrer">'
)


def addresses(tenant: Tenant) -> list[str]:
    _furnish(tenant)
    credential = make_credential(tenant)
    by_tenant = (
        *("feed", "runs", "attempts", "imports", "new_import", "audit", "tenant", "directory"),
        *("choices", "soc", "directory_health", "directory_sync", "cookies", "identities", "remediations"),
        *("alerts", "new_alert_channel", "new_alert_rule", "alert_deliveries"),
    )
    for_all = ("feeds", "tenants", "new_tenant", "tokens", "kill_switch", "account_logout")
    return [
        *(reverse(name, args=[tenant.id]) for name in by_tenant),
        *(reverse(name) for name in for_all),
        reverse("credential", args=[tenant.id, credential.id]),
        reverse("case", args=[tenant.id, credential.id]),
        reverse("identity", args=[tenant.id, make_identity(tenant, display_name="<b>Ann</b>").pk]),
        reverse("run", args=[tenant.id, make_run(tenant).id]),
        reverse(
            "remediation",
            args=[
                tenant.id,
                make_plan(credential, tenant.directory_connections.get(), reason="<b>why</b>").pk,
            ],
        ),
        *_of_alerts(tenant),
        "/nothing/here/",
        "/tenants/x/",
    ]


def _of_alerts(tenant: Tenant) -> list[str]:
    rule = make_alert_rule(tenant)
    make_delivery(rule, sentence="<b>why</b>")
    new = reverse("new_alert_channel", args=[tenant.id])
    return [
        reverse("alert_rule", args=[tenant.id, rule.pk]),
        reverse("alert_channel", args=[tenant.id, rule.channels.get().pk]),
        *(f"{new}?kind={kind}" for kind in KINDS),
    ]


def _furnish(tenant: Tenant) -> None:
    """A stopped directory with something in every card, and the kill switch on: every banner shows."""
    connection = DirectoryConnection.objects.create(
        tenant=tenant,
        cloud="global",
        entra_tenant_id=DIRECTORY,
        client_id=APP,
        status=ConnectionStatus.ERROR,
        status_sentence="Two accounts were answered as locked.",
        halted_at=NOW,
        capabilities=[{"name": "Accounts", "state": "missing", "required": True}],
        surplus=[{"permission": "User.ReadWrite.All", "risk": "It <b>changes</b> people."}],
        created_at=NOW,
        updated_at=NOW,
    )
    protect(tenant, "account", "<b>@contoso.example", "<i>why</i>", actor=SYSTEM, now=NOW)
    Attempt.objects.create(
        tenant=tenant,
        entra_tenant_id=DIRECTORY,
        client_id=APP,
        object_id=connection.id,
        pair_fingerprint=b"x",
        reserved_at=NOW,
        code="AADSTS<999>",
        unknown_code=True,
        state=AttemptState.ANSWERED,
    )
    KillSwitch.objects.create(stopped_at=NOW, stopped_by="t", reason="<script>alert(1)</script>")


def replies(client: Client, tenant: Tenant) -> list[Any]:
    return [client.get(address, follow=True) for address in addresses(tenant)]


def test_every_page_is_walled(visit: Visit, tenant: Tenant) -> None:
    found = [*replies(visit("organisation"), tenant), Client().get(reverse("account_login"))]
    assert {reply.status_code for reply in found} == {200, 404}
    for reply in found:
        directives = {part.strip() for part in reply.headers["Content-Security-Policy"].split(";")}
        assert directives >= STRICT
        assert "unsafe" not in str(directives)
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_holds_inline_code_or_an_outside_address(visit: Visit, tenant: Tenant) -> None:
    for reply in replies(visit("organisation"), tenant):
        html = reply.content.decode()
        assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
        assert "<style" not in html
        assert re.findall(r"<[^>]+\s(?:style|on[a-z]+)=", html) == []
        inside = LINK_OUT.sub("", html)
        assert re.findall(r'\s(?:src|href|action|hx-get|hx-post)="(?!/|\?|#)[^"]*"', inside) == []
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids))


def test_every_form_carries_its_proof(visit: Visit, tenant: Tenant) -> None:
    for reply in replies(visit("organisation"), tenant):
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", reply.content.decode(), re.DOTALL):
            assert "csrfmiddlewaretoken" in form


def _fail(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("internal detail of the failure")


def _conflict(_request: HttpRequest) -> HttpResponse:
    raise Conflict("It is in use.", remedy="Wait.")


def _other(_request: HttpRequest) -> HttpResponse:
    raise EmberwatchError("A plain sentence.")


def _unavailable(_request: HttpRequest) -> HttpResponse:
    raise Unavailable("The directory did not answer.")


@pytest.fixture
def failing(settings: Settings) -> None:
    module = ModuleType("failing_urls")
    broken = (("fail", _fail), ("conflict", _conflict), ("other", _other), ("unavailable", _unavailable))
    module.urlpatterns = [  # type: ignore[attr-defined]
        *(path(f"{name}/", view) for name, view in broken),
        *product_urls.urlpatterns,
    ]
    for name in ("handler400", "handler403", "handler404", "handler500"):
        setattr(module, name, getattr(product_urls, name))
    settings.ROOT_URLCONF = module


@pytest.mark.usefixtures("failing")
def test_a_fault_of_ours_shows_nothing_of_the_inside() -> None:
    reply = Client(raise_request_exception=False).get("/fail/")
    html = reply.content.decode()
    assert reply.status_code == 500
    assert "Emberwatch failed" in html
    for inside in ("RuntimeError", "internal detail", "Traceback", "_fail"):
        assert inside not in html


@pytest.mark.usefixtures("failing")
def test_the_page_of_a_fault_the_answer_and_the_log_bear_one_number() -> None:
    client = Client(raise_request_exception=False)
    first, second = client.get("/fail/"), client.get("/fail/")
    number = first.headers["X-Request-ID"]
    assert number and number in first.content.decode()
    assert second.headers["X-Request-ID"] != number
    given = client.get("/fail/", headers={"X-Request-ID": "proxy-0123456789"})
    assert given.headers["X-Request-ID"] == "proxy-0123456789"
    assert "proxy-0123456789" in given.content.decode()
    for hostile in ("short", "x" * 65, "<b>12345678", "a b c d e f g h"):
        reply = client.get("/healthz", headers={"X-Request-ID": hostile})
        assert reply.headers["X-Request-ID"] != hostile


def test_every_line_that_a_request_logs_bears_its_number(settings: Settings) -> None:
    def told(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(structlog.contextvars.get_contextvars().get("request_id")))

    module = ModuleType("telling_urls")
    module.urlpatterns = [path("told/", told)]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = module
    reply = Client().get("/told/")
    assert reply.content.decode() == reply.headers["X-Request-ID"]
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("conflict", 409, "It is in use."),
        ("unavailable", 503, "The directory did not answer."),
        ("other", 500, "A plain sentence."),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(
    visit: Visit, name: str, status: int, sentence: str
) -> None:
    for client in (visit("viewer"), Client()):
        whole = client.get(f"/{name}/")
        part = client.get(f"/{name}/", headers=HTMX)
        assert whole.status_code == part.status_code == status
        assert sentence in whole.content.decode()
        assert sentence in part.content.decode()
        assert "<html" in whole.content.decode()
        assert "<html" not in part.content.decode()


def test_the_vendored_files_are_the_published_ones() -> None:
    manifest = json.loads((VENDOR / "manifest.json").read_text("utf-8"))
    listed = {row["file"] for row in manifest}
    present = {str(file.relative_to(VENDOR)) for file in VENDOR.rglob("*") if file.is_file()}
    assert present - {"manifest.json"} == listed
    for row in manifest:
        assert set(row) == {"name", "version", "licence", "file", "sha256"}
        assert hashlib.sha256((VENDOR / row["file"]).read_bytes()).hexdigest() == row["sha256"], row["file"]
    for folder in {row["file"].partition("/")[0] for row in manifest}:
        assert f"{folder}/LICENSE.txt" in listed
    assert "://" not in (VENDOR / "manifest.json").read_text("utf-8")


def test_every_icon_is_vendored_and_used() -> None:
    sources = [*WEB.rglob("*.html"), *WEB.rglob("*.py")]
    text = "".join(file.read_text("utf-8") for file in sources)
    used = set(re.findall(r'{% icon "([a-z0-9-]+)"', text))
    used |= {"flame", "circle-check", "help-circle", "circle-dashed"}
    assert used == {file.stem for file in (VENDOR / "tabler-icons").glob("*.svg")}
