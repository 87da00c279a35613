"""Validate over the API: one job however often it is asked for, then a verdict with its evidence."""

from __future__ import annotations

from uuid import UUID

import pytest

from emberwatch.accounts.models import Role
from emberwatch.exposures.models import Credential
from emberwatch.simulator import SimulatedEntra, UserScenario
from emberwatch.validation.models import Validation
from emberwatch.validation.services import run_validation
from tests.factories import connect, make_credential, make_tenant
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

CANARY = "C4nary-9f2e-never-shown!"
ANN = UserScenario(upn="ann@contoso.example", password=CANARY)


@pytest.fixture
def entra(start_entra: StartEntra) -> SimulatedEntra:
    return start_entra(ANN)


@pytest.fixture
def caller(entra: SimulatedEntra) -> Caller:
    tenant = make_tenant()
    connect(tenant, DIRECTORY, APP, SECRET)
    return caller_for(tenant, Role.ANALYST)


@pytest.fixture
def credential(caller: Caller) -> Credential:
    return make_credential(caller.tenant, password=CANARY)


def press(caller: Caller, credential: Credential, **headers: str) -> dict[str, object]:
    answer = caller("POST", caller.here(f"/credentials/{credential.id}/validations"), **headers)
    assert answer.status_code == 202, answer.content
    job: dict[str, object] = answer.json()
    assert answer["Location"] == f"/api/v1{caller.here('/validations/')}{job['id']}"
    return job


def finish(job: dict[str, object]) -> None:
    run_validation(UUID(str(job["id"])))


def test_a_validation_is_polled_to_its_verdict(
    caller: Caller, credential: Credential, entra: SimulatedEntra
) -> None:
    job = press(caller, credential)
    assert (job["state"], job["verdict"], job["evidence"]) == ("queued", None, None)
    finish(job)
    polled = caller.get(caller.here(f"/validations/{job['id']}"))
    done = polled.json()
    assert (done["state"], done["verdict"], done["verdict_group"]) == ("done", "active", "active")
    assert (done["certainty"], done["credential_id"]) == ("proved", str(credential.id))
    assert done["evidence"]["method"] == "one sign-in"

    shown = caller.get(caller.here(f"/credentials/{credential.id}")).json()
    assert shown["evidence"] == done["evidence"] == shown["history"][0]["evidence"]
    assert shown["user_link"] == f"{entra.portal_url}/#view/Microsoft_AAD_UsersAndTenants/" + (
        f"UserProfileMenuBlade/~/overview/userId/{ANN.object_id}"
    )
    assert shown["identity"]["user_principal_name"] == "ann@contoso.example"
    assert len(shown["sightings"]) == 1


def test_no_link_is_given_for_what_is_not_active(caller: Caller) -> None:
    wrong = make_credential(caller.tenant, password="Not-this-one-1")
    finish(press(caller, wrong))
    shown = caller.get(caller.here(f"/credentials/{wrong.id}")).json()
    assert (shown["verdict"], shown["user_link"]) == ("inactive", None)
    assert shown["identity"] is not None


def test_the_same_key_starts_nothing_twice(
    caller: Caller, credential: Credential, entra: SimulatedEntra
) -> None:
    first = press(caller, credential, Idempotency_Key="k-1")
    assert press(caller, credential, Idempotency_Key="k-1")["id"] == first["id"]
    finish(first)
    again = press(caller, credential, Idempotency_Key="k-1")
    assert (again["id"], again["state"], again["verdict"]) == (first["id"], "done", "active")
    assert Validation.objects.count() == 1
    assert len(entra.journal.attempts_for("ann@contoso.example")) == 1
    assert press(caller, credential, Idempotency_Key="k-2")["id"] != first["id"]


def test_a_second_press_while_one_runs_returns_the_same_job(caller: Caller, credential: Credential) -> None:
    first = press(caller, credential)
    assert press(caller, credential)["id"] == first["id"]
    finish(first)
    assert press(caller, credential)["id"] != first["id"]


def test_a_key_belongs_to_one_credential(caller: Caller, credential: Credential) -> None:
    other = make_credential(caller.tenant, "bob@contoso.example")
    press(caller, credential, Idempotency_Key="k-1")
    answer = caller("POST", caller.here(f"/credentials/{other.id}/validations"), Idempotency_Key="k-1")
    assert answer.status_code == 409
    assert answer.json()["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["with space", "x" * 256, "nul\x00", "ümlaut"])
def test_an_unusable_key_is_refused(caller: Caller, credential: Credential, key: str) -> None:
    answer = caller("POST", caller.here(f"/credentials/{credential.id}/validations"), Idempotency_Key=key)
    assert answer.status_code == 422
    assert not Validation.objects.exists()


def test_the_password_is_in_no_answer(caller: Caller, credential: Credential) -> None:
    finish(press(caller, credential))
    validation = Validation.objects.get()
    admin = caller_for(caller.tenant, Role.ADMIN)
    paths = [
        "/credentials",
        f"/credentials/{credential.id}",
        f"/credentials?text={CANARY}",
        f"/validations/{validation.id}",
        "/directory",
        "/imports",
        "/audit",
        "/audit/verification",
    ]
    for path in paths:
        answer = admin.get(admin.here(path))
        assert answer.status_code == 200, path
        for secret in (CANARY, SECRET, admin.token):
            assert secret not in answer.content.decode(), path
            assert secret not in str(answer.headers), path
