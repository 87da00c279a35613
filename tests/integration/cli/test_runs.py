"""Runs, the ledger and the case file on the command line."""

from __future__ import annotations

import csv
import json
from uuid import uuid4

import pytest

from emberwatch.api.shapes import AttemptOut, CaseFileOut, RunDetailOut, RunOut
from emberwatch.audit.models import AuditRow
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import RunState
from tests.factories import NOW, make_attempt, make_credential, make_run, make_tenant
from tests.integration.cli.conftest import Run

pytestmark = pytest.mark.django_db

PASSWORD = "Zebra-never-shown-77"


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant(name="Contoso")


def test_a_run_is_shown_and_moved(run: Run, tenant: Tenant) -> None:
    missing = run("run", "show", "Contoso")
    assert missing.code != 0
    assert "no run yet" in missing.err
    made = make_run(tenant, state=RunState.RUNNING, planned_at=NOW, credentials=3, decided=2, attempts=1)
    told = run("run", "show", "Contoso").out
    assert "2 of 3 decided, 1 sign-ins sent, 1 avoided." in told
    (row,) = run("run", "list", "Contoso", "--json").rows
    assert (set(row), row["id"]) == (set(RunOut.model_fields), str(made.id))
    for move, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        (row,) = run("run", move, "Contoso", str(made.id), "--json").rows
        assert (set(row), row["state"]) == (set(RunDetailOut.model_fields), state)
    again = run("run", "resume", "Contoso")
    assert (again.code, "cancelled" in again.err) == (1, True)


def test_the_ledger_as_table_csv_and_json(run: Run, tenant: Tenant) -> None:
    attempt = make_attempt(tenant, uuid4(), requested_by="=1+1")
    make_attempt(make_tenant(), uuid4())
    assert "ann@contoso.example" in run("attempts", "Contoso").out
    (row,) = run("attempts", "Contoso", "--json", "--code", "50126").rows
    assert (set(row), row["id"]) == (set(AttemptOut.model_fields), str(attempt.id))
    (cells,) = csv.DictReader(run("attempts", "Contoso", "--csv").out.splitlines())
    assert cells["requested_by"] == "'=1+1"
    assert AuditRow.objects.filter(chain=tenant.id, action="attempts.exported").count() == 1
    assert run("attempts", "Contoso", "--csv", "--json").code == 2
    assert run("attempts", "Contoso", "--verdict", "perhaps").code == 2


def test_the_case_file_is_the_apis(run: Run, tenant: Tenant) -> None:
    credential = make_credential(tenant, password=PASSWORD)
    done = run("case", "Contoso", "--credential", str(credential.id))
    case = json.loads(done.out)
    CaseFileOut.model_validate(case)
    assert (set(case), case["credential"]["login"]) == (set(CaseFileOut.model_fields), credential.login)
    assert PASSWORD not in done.out
    assert AuditRow.objects.filter(chain=tenant.id, action="case.exported").count() == 1
