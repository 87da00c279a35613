"""One credential: evidence, the press of Validate, the status that moves by itself, revealing."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential
from emberwatch.exposures.services import set_verdict
from emberwatch.simulator import UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Validation, ValidationState
from emberwatch.validation.services import run_validation
from emberwatch.web.presenting import progress_of
from tests.factories import NOW, connect, make_credential
from tests.integration.conftest import StartEntra
from tests.integration.web.conftest import HTMX, Visit, page
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

ANN = UserScenario(upn="ann@contoso.example", password=RIGHT, display_name="Ann of Contoso")


def details(credential: Credential) -> str:
    return reverse("credential", args=[credential.tenant_id, credential.id])


def press(client: Client, credential: Credential, query: str = "") -> Any:
    address = reverse("validate", args=[credential.tenant_id, credential.id])
    return client.post(address + query, headers=HTMX)


def poll_address(html: str) -> str:
    found = re.search(r'id="validation"[^>]* hx-get="([^"]+)"', html)
    assert found, html
    return found.group(1).replace("&amp;", "&")


def test_from_the_press_to_the_verdict(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    start_entra(ANN)
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = make_credential(tenant, password=RIGHT)
    client = visit("analyst")
    before = page(client, details(credential))
    assert 'data-verdict="unvalidated"' in before
    assert "Entra admin center" not in before

    pressed = press(client, credential, "?panel=1").content.decode()
    assert re.search(r'aria-current="step"[^>]*>.*?Queued', pressed)
    assert re.search(r'id="validate-button"[^>]* disabled', pressed)
    assert "delay:50ms" in pressed
    again = client.get(poll_address(pressed), headers=HTMX).content.decode()
    assert re.search(r'aria-current="step"[^>]*>.*?Queued', again)
    assert 'id="live"' not in again

    run_validation(Validation.objects.get().id)

    reply = client.get(poll_address(again), headers=HTMX)
    html = reply.content.decode()
    assert (reply.headers["HX-Retarget"], reply.headers["HX-Reswap"]) == ("#details", "outerHTML")
    assert 'data-verdict="active"' in html
    assert f'id="row-verdict-{credential.id}" hx-swap-oob' in html
    assert "Verdict of ann@contoso.example: Active." in html
    assert "hx-trigger" not in html.split('id="validation"')[1].split(">")[0]
    assert page(client, details(credential)).count("data-verdict=") == 1


def test_the_evidence_and_the_link_stand_on_the_page(
    start_entra: StartEntra, visit: Visit, tenant: Tenant
) -> None:
    entra = start_entra(ANN)
    connect(tenant, DIRECTORY, APP, SECRET)
    right, wrong = make_credential(tenant, password=RIGHT), make_credential(tenant, password="Wrong-one-1")
    client = visit("analyst")
    for credential in (wrong, right):
        press(client, credential)
        run_validation(Validation.objects.get(credential=credential).id)

    html = page(client, details(right))
    link = re.search(r'<a class="btn btn-primary" href="([^"]+)" target="_blank" rel="noopener noref', html)
    assert link
    assert link.group(1).startswith(entra.portal_url)
    assert html.count(link.group(1)) == 2, "as a link, and as text to copy"
    assert "Ann of Contoso" in html

    refused = page(client, details(wrong))
    assert "Open user in Entra admin center" not in refused
    attempt = Validation.objects.get(credential=wrong).attempt
    for text in (
        "One sign-in",
        "50126",
        attempt.trace_id,
        str(attempt.id),
        DIRECTORY,
        "Mapping version",
        "within 24 hours",
    ):
        assert text in refused, text


def test_a_second_press_starts_nothing(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    start_entra(ANN)
    connect(tenant, DIRECTORY, APP, SECRET)
    credential, client = make_credential(tenant), visit("analyst")
    first, second = press(client, credential), press(client, credential)
    assert poll_address(first.content.decode()) == poll_address(second.content.decode())
    assert Validation.objects.count() == 1
    assert re.search(r'id="validate-button"[^>]* disabled', page(client, details(credential)))


def test_without_a_connection_the_press_explains_itself(visit: Visit, tenant: Tenant) -> None:
    reply = press(visit("analyst"), make_credential(tenant))
    html = reply.content.decode()
    assert reply.status_code == 404
    assert "This tenant is not connected to a directory yet." in html
    assert "Entra ID Configuration" in html
    assert "<html" not in html


@pytest.mark.parametrize(
    ("age", "delay"),
    [(0, 50), (1, 50), (1.1, 100), (3, 100), (3.1, 500), (30, 500), (31, 2000), (90_000, 2000)],
)
def test_the_page_asks_less_often_as_time_goes_by(tenant: Tenant, age: float, delay: int) -> None:
    asked = Validation(tenant=tenant, requested_at=NOW, state=ValidationState.QUEUED)
    assert progress_of(asked, NOW + timedelta(seconds=age)).delay_ms == delay


def test_waiting_without_a_worker_is_said(tenant: Tenant) -> None:
    asked = Validation(tenant=tenant, requested_at=NOW, state=ValidationState.QUEUED)
    assert not progress_of(asked, NOW + timedelta(seconds=4)).waits_for_worker
    assert progress_of(asked, NOW + timedelta(seconds=6)).waits_for_worker


def test_what_is_only_likely_is_said(visit: Visit, tenant: Tenant) -> None:
    credential = make_credential(tenant)
    evidence = {"method": "m", "attempts": 0, "because": "An earlier fact.", "why_not_more_certain": "Dates."}
    for certainty, verdict in ((Certainty.PROVED, Verdict.INACTIVE), (Certainty.LIKELY, Verdict.SUPERSEDED)):
        set_verdict(credential, verdict, certainty, evidence, actor=SYSTEM, now=utc_now())
    html = page(visit("viewer"), details(credential))
    for text in (
        "Superseded, likely",
        "Why not more certain",
        "Dates.",
        "History of verdicts",
        "Wrong password",
    ):
        assert text in html


def test_a_password_is_revealed_with_a_reason_and_leaves_again(visit: Visit, tenant: Tenant) -> None:
    credential = make_credential(tenant, password="Leaked-<b>1")
    address = reverse("reveal", args=[tenant.id, credential.id])
    client = visit("analyst")
    assert "Leaked-" not in page(client, details(credential))

    without = client.post(address, {"reason": " "}, headers=HTMX)
    assert without.status_code == 422
    assert "A reason is needed" in without.content.decode()
    assert not AuditRow.objects.filter(action="credential.revealed").exists()

    reply = client.post(address, {"reason": "ticket 7"}, headers=HTMX)
    html = reply.content.decode()
    assert "Leaked-&lt;b&gt;1" in html
    assert 'data-vanishes="30"' in html
    assert reply.headers["Cache-Control"] == "no-store"
    assert AuditRow.objects.get(action="credential.revealed").reason == "ticket 7"


@pytest.mark.parametrize("name", ["reveal", "validate"])
def test_what_changes_something_takes_a_form(visit: Visit, tenant: Tenant, name: str) -> None:
    address = reverse(name, args=[tenant.id, make_credential(tenant).id])
    assert visit("admin").get(address).status_code == 405
