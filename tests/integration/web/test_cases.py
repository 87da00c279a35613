"""The case file as a page and as JSON, the facts of evidence, and the press of Confirm with a sign-in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.models import Role
from emberwatch.audit.models import AuditRow
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential
from emberwatch.exposures.services import set_verdict
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Validation
from tests.factories import NOW, connect, make_attempt, make_credential, make_tenant
from tests.integration.conftest import StartEntra
from tests.integration.web.conftest import HTMX, Visit, page
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

PASSWORD = "Zebra-never-shown-77"
EVIDENCE: dict[str, Any] = {
    "method": "directory facts, no sign-in",
    "attempts": 0,
    "rule": "changed after the leak",
    "rule_limits": "A password can be set back to an old one.",
    "rules_version": "7",
    "because": "The password was changed after the leak.",
    "why_not_more_certain": "It may have been set again.",
    "facts": [
        {
            "name": "Password last changed",
            "value": "2026-05-01T10:00:00+00:00",
            "source": "Microsoft Graph, users",
            "at": "2026-06-01T12:00:00+00:00",
            "request_id": "request-of-graph",
        }
    ],
}


def decided(tenant: Tenant, certainty: Certainty = Certainty.LIKELY) -> Credential:
    credential = make_credential(tenant, password=PASSWORD)
    set_verdict(credential, Verdict.SUPERSEDED, certainty, EVIDENCE, actor=SYSTEM, now=NOW)
    return credential


def address(name: str, credential: Credential) -> str:
    return reverse(name, args=[credential.tenant_id, credential.id])


@pytest.mark.parametrize("name", ["credential", "case"])
def test_evidence_shows_its_facts(visit: Visit, tenant: Tenant, name: str) -> None:
    html = page(visit(Role.VIEWER), address(name, decided(tenant)))
    for shown in (
        "Password last changed",
        "Microsoft Graph, users",
        "request-of-graph",
        "Rules version",
        "set back",
    ):
        assert shown in html
    assert f'datetime="{datetime(2026, 5, 1, 10, tzinfo=UTC).isoformat()}"' in html


def test_the_case_file_is_printed_and_exported_without_a_password(visit: Visit, tenant: Tenant) -> None:
    credential = decided(tenant)
    attempt = make_attempt(tenant, credential.id, credential=credential)
    viewer = visit(Role.VIEWER)
    html = page(viewer, address("case", credential))
    assert str(attempt.id) in html
    assert not AuditRow.objects.filter(action="case.exported").exists()
    reply = viewer.get(address("case_export", credential))
    case = reply.json()
    assert (len(case["verdicts"]), case["attempts"][0]["id"]) == (1, str(attempt.id))
    assert case["verdicts"][0]["evidence"] == EVIDENCE
    assert case["credential"]["secret_length"] is None
    assert "attachment" in reply.headers["Content-Disposition"]
    assert AuditRow.objects.filter(action="case.exported").count() == 1
    for text in (html, reply.content.decode()):
        assert PASSWORD not in text


@pytest.mark.parametrize("name", ["case", "case_export"])
def test_a_case_file_stays_in_its_tenant(visit: Visit, tenant: Tenant, name: str) -> None:
    credential = decided(tenant)
    assert visit(Role.VIEWER).get(address(name, credential)).status_code == 200
    assert visit("stranger").get(address(name, credential)).status_code == 404
    through = reverse(name, args=[make_tenant().id, credential.id])
    assert visit("organisation").get(through).status_code == 404


@pytest.mark.parametrize(
    ("role", "certainty", "offered"),
    [
        (Role.ANALYST, Certainty.LIKELY, True),
        (Role.ANALYST, Certainty.PROVED, False),
        (Role.VIEWER, Certainty.LIKELY, False),
    ],
)
def test_a_likely_verdict_may_be_confirmed(
    visit: Visit, tenant: Tenant, role: str, certainty: Certainty, *, offered: bool
) -> None:
    html = page(visit(role), address("credential", decided(tenant, certainty)))
    assert ("Confirm with a sign-in" in html) is offered


def test_the_press_asks_for_a_sign_in(visit: Visit, tenant: Tenant, start_entra: StartEntra) -> None:
    start_entra()
    connect(tenant, DIRECTORY, APP, SECRET)
    credential, analyst = decided(tenant), visit(Role.ANALYST)
    part = analyst.post(address("validate", credential), {"confirm": "yes"}, headers=HTMX)
    assert 'id="confirm" hx-swap-oob="innerHTML"' in part.content.decode()
    assert Validation.objects.get().confirm
    assert "Confirm with a sign-in" not in page(analyst, address("credential", credential))
