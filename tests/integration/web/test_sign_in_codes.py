"""Every row of the table of sign-in codes: from what the directory answers to the sentence on the credential's page."""

from __future__ import annotations

from html import unescape
from typing import Final

import pytest
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.core.verdict import Verdict
from emberwatch.directories.entra.codes import ACCEPTED, Effect, Outcome, table
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection, DirectoryGate
from emberwatch.directories.services import check_connection
from emberwatch.exposures.models import Credential
from emberwatch.simulator import ScriptedAnswer, UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Attempt
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import connect, make_credential
from tests.integration.conftest import StartEntra
from tests.integration.web.conftest import Visit, page
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

UNKNOWN: Final = 999_999


def stops(row: Outcome) -> bool:
    # A lock that meets the very first sign-in to an account may be meant for our address.
    return row.effect is Effect.HALT or row.verdict is Verdict.LOCKED


def login(code: int) -> str:
    return f"code{code}@contoso.example"


def answered(code: int) -> UserScenario:
    return UserScenario(upn=login(code), password=RIGHT, answer=ScriptedAnswer(code=code))


def validated(tenant: Tenant, code: int) -> Credential:
    credential = make_credential(tenant, login(code), RIGHT)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    run_validation(validation.id)
    credential.refresh_from_db()
    return credential


def test_each_code(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    entra = start_entra(*map(answered, table()), answered(UNKNOWN))
    connect(tenant, DIRECTORY, APP, SECRET)
    client = visit("analyst")
    wrong: list[str] = []
    for code, row in table().items():
        credential = validated(tenant, code)
        sent = entra.journal.attempts_for(login(code))
        assert [entry.code for entry in sent] == [str(code)]
        html = unescape(page(client, reverse("credential", args=[tenant.id, credential.id])))
        wrong += [f"{code}: {what}" for what in _differences(credential, row, html)]
        _mend(tenant, row)
    assert wrong == []


def _differences(credential: Credential, row: Outcome, html: str) -> list[str]:
    connection = DirectoryConnection.objects.get(tenant_id=credential.tenant_id)
    facts = {
        "verdict": credential.verdict == row.verdict,
        "certainty": credential.certainty == (row.certainty or ""),
        "its meaning": f"<dt>What it means</dt><dd>{row.meaning}" in html,
        "its code": f"<code>AADSTS{row.code}</code> {row.name}".rstrip() in html,
        "the directory's stop": (connection.status == ConnectionStatus.ERROR) is stops(row),
    }
    return [what for what, is_right in facts.items() if not is_right]


def _mend(tenant: Tenant, row: Outcome) -> None:
    """As after a good check and a while: the next code meets no stop of the last one."""
    Attempt.objects.all().delete()
    DirectoryGate.objects.all().delete()
    if stops(row):
        check_connection(tenant, actor=SYSTEM)


def test_a_code_that_nobody_knows(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    start_entra(answered(UNKNOWN))
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = validated(tenant, UNKNOWN)
    html = unescape(page(visit("analyst"), reverse("credential", args=[tenant.id, credential.id])))
    assert credential.verdict == "inconclusive"
    assert "Emberwatch does not know this code." in html
    assert f"<dt>Unknown codes</dt><dd>{UNKNOWN}</dd>" in html


def test_no_refusal_at_all(start_entra: StartEntra, visit: Visit, tenant: Tenant) -> None:
    start_entra(UserScenario(upn=login(0), password=RIGHT))
    connect(tenant, DIRECTORY, APP, SECRET)
    credential = validated(tenant, 0)
    html = unescape(page(visit("analyst"), reverse("credential", args=[tenant.id, credential.id])))
    assert credential.verdict == ACCEPTED.verdict
    assert ACCEPTED.meaning in html
