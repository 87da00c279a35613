"""Runs, the ledger and the case file over the API."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from emberwatch.accounts.models import Role
from emberwatch.audit.models import AuditRow
from emberwatch.simulator import SimulatedEntra, UserScenario
from emberwatch.validation.models import Attempt, Run, Validation
from emberwatch.validation.services import run_validation
from tests.factories import connect, make_attempt, make_credential, make_tenant
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def entra(start_entra: StartEntra) -> SimulatedEntra:
    return start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT))


@pytest.fixture
def caller(entra: SimulatedEntra) -> Caller:
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    return caller_for(tenant, Role.ANALYST)


def validated(caller: Caller) -> UUID:
    credential = make_credential(caller.tenant, password=RIGHT)
    job = caller("POST", caller.here(f"/credentials/{credential.id}/validations")).json()
    run_validation(UUID(job["id"]))
    return credential.id


def test_a_run_is_started_once_and_moved(caller: Caller) -> None:
    started = caller("POST", caller.here("/runs"))
    run = started.json()
    assert started["Location"] == f"/api/v1{caller.here('/runs/')}{run['id']}"
    assert (run["state"], run["mode"], run["avoided"]) == ("planning", "attempts", 0)
    assert caller("POST", caller.here("/runs")).json()["id"] == run["id"]
    assert [each["id"] for each in caller.get(caller.here("/runs")).json()["items"]] == [run["id"]]
    here = caller.here(f"/runs/{run['id']}")
    moves = {move: caller("POST", f"{here}/{move}").json()["state"] for move in ("pause", "resume", "cancel")}
    assert moves == {"pause": "paused", "resume": "planning", "cancel": "cancelled"}
    assert caller.get(here).json()["state"] == "cancelled"
    assert caller("POST", f"{here}/resume").status_code == 409
    assert Run.objects.count() == 1


def test_the_list_of_runs_is_paged(caller: Caller) -> None:
    ids = []
    for _ in range(3):
        ids.append(caller("POST", caller.here("/runs")).json()["id"])
        caller("POST", caller.here(f"/runs/{ids[-1]}/cancel"))
    first = caller.get(caller.here("/runs?limit=2")).json()
    second = caller.get(caller.here(f"/runs?limit=2&cursor={first['next_cursor']}")).json()
    assert [row["id"] for row in (*first["items"], *second["items"])] == ids[::-1]
    assert second["next_cursor"] is None


def test_the_ledger_and_the_budget(caller: Caller) -> None:
    credential_id = validated(caller)
    theirs = make_attempt(make_tenant(), UUID(DIRECTORY))
    mine = Attempt.objects.get(credential_id=credential_id)
    rows = {row["id"]: row for row in caller.get(caller.here("/attempts")).json()["items"]}
    assert set(rows) == {str(mine.id), str(theirs.id)}
    own, other = rows[str(mine.id)], rows[str(theirs.id)]
    assert (own["is_own"], own["credential_id"], own["verdict"]) == (True, str(credential_id), "active")
    assert own["client_request_id"] == own["id"]
    assert (other["requested_by"], other["user_principal_name"]) == ("another workspace", "")
    assert (other["credential_id"], other["code"]) == (None, "50126")

    only = caller.get(caller.here("/attempts?account=ann@contoso.example&origin=press")).json()["items"]
    assert [row["id"] for row in only] == [str(mine.id)]
    make_attempt(make_tenant(), UUID(DIRECTORY), object_id=mine.object_id, at=mine.reserved_at)
    budget = caller.get(caller.here(f"/accounts/{mine.object_id}/budget")).json()
    assert (budget["allowed"], budget["failed"], budget["left"]) == (2, 1, 1)
    assert caller.get(caller.here(f"/accounts/{uuid4()}/budget")).status_code == 404


def test_the_case_file_is_whole_and_holds_no_password(caller: Caller) -> None:
    credential_id = validated(caller)
    path = caller.here(f"/credentials/{credential_id}/case")
    answer = caller.get(path)
    case = answer.json()
    assert RIGHT not in answer.content.decode()
    assert (case["format"], case["format_version"]) == ("emberwatch-case-file", 1)
    assert (case["credential"]["verdict"], case["credential"]["secret_length"]) == ("active", len(RIGHT))
    assert [len(case[part]) for part in ("sightings", "verdicts", "attempts")] == [1, 1, 1]
    assert case["verdicts"][0]["evidence"]["correlation_id"] == case["attempts"][0]["id"]
    names = {fact["name"] for fact in case["verdicts"][0]["evidence"]["facts"]}
    assert {"Account", "Enabled", "Password last changed"} <= names
    row = AuditRow.objects.get(action="case.exported")
    assert row.subject == f"credential:{credential_id}"
    viewer = caller_for(caller.tenant, Role.VIEWER)
    assert viewer.get(path).json()["credential"]["secret_length"] is None


@pytest.mark.parametrize(("body", "confirms"), [(None, False), ({}, False), ({"confirm": True}, True)])
def test_a_sign_in_may_be_asked_for(caller: Caller, body: object, *, confirms: bool) -> None:
    credential = make_credential(caller.tenant)
    answer = caller("POST", caller.here(f"/credentials/{credential.id}/validations"), body)
    assert answer.status_code == 202
    assert Validation.objects.get().confirm is confirms


def test_an_unknown_option_is_refused(caller: Caller) -> None:
    credential = make_credential(caller.tenant)
    path = caller.here(f"/credentials/{credential.id}/validations")
    assert caller("POST", path, {"confrim": True}).status_code == 422
    assert not Validation.objects.exists()
