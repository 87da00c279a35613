"""Connecting, checking and asking for validations on the command line."""

from __future__ import annotations

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.api.directory_shapes import CheckOut
from emberwatch.api.shapes import ValidationOut
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.simulator import UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Validation
from tests.factories import make_credential, make_tenant
from tests.integration.cli.conftest import Ran, Run
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

IDS = ("--client-id", APP, "--entra-tenant-id", DIRECTORY, "--cloud", "custom")


@pytest.fixture
def tenant(start_entra: StartEntra) -> Tenant:
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT))
    return make_tenant("contoso.example", name="Contoso")


def connected(run: Run, secret: str = SECRET, *more: str) -> Ran:
    return run("entra", "connect", "Contoso", *IDS, *more, typed=f"{secret}\n")


def test_a_good_connection(run: Run, tenant: Tenant) -> None:
    ran = connected(run)
    assert (ran.code, ran.err) == (0, "")
    assert "ok       Sign-in of the application" in ran.out
    assert SECRET not in ran.out
    assert DirectoryConnection.objects.get(tenant=tenant).status == ConnectionStatus.ACTIVE
    checked = run("entra", "check", "Contoso", "--json")
    assert checked.code == 0
    assert set(checked.rows[0]) == set(CheckOut.model_fields)


def test_a_wrong_secret_is_explained(run: Run, tenant: Tenant) -> None:
    ran = connected(run, "Zx8Q~not-the-secret-of-this-app-at-all.1")
    assert ran.code == 1
    assert "FAULT" in ran.out and "7000215" in ran.out
    assert run("entra", "check", "Contoso").code == 1
    assert DirectoryConnection.objects.get(tenant=tenant).status == ConnectionStatus.ERROR


def test_the_secrets_id_is_refused_before_anything_is_stored(run: Run, tenant: Tenant) -> None:
    ran = connected(run, "33333333-aaaa-4bbb-8ccc-000000000003")
    assert (ran.code, ran.out) == (2, "")
    assert "paste the Value" in ran.err
    assert not DirectoryConnection.objects.exists()


def test_the_secret_may_come_from_the_environment(
    run: Run, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBERWATCH_ENTRA_CLIENT_SECRET", SECRET)
    assert run("entra", "connect", "Contoso", *IDS).code == 0


def test_the_secret_is_never_an_argument(run: Run, tenant: Tenant) -> None:
    ran = run("entra", "connect", "Contoso", *IDS, "--client-secret", SECRET)
    assert (ran.code, "--client-secret" in ran.err) == (2, True)
    assert not DirectoryConnection.objects.exists()


def test_validations_are_queued_and_the_missing_worker_is_named(run: Run, tenant: Tenant) -> None:
    connected(run)
    first, _ = (make_credential(tenant, f"{name}@contoso.example") for name in ("ann", "ben"))
    ran = run("validate", "Contoso", "--credential", str(first.id), "--json")
    (row,) = ran.rows
    assert set(row) == set(ValidationOut.model_fields)
    assert (row["credential_id"], row["state"], row["verdict"]) == (str(first.id), "queued", None)
    assert "emberwatch worker" in ran.err

    # What is under way already is left to itself.
    everything = run("validate", "Contoso", "--all")
    assert (everything.code, everything.out) == (0, "1 validations queued.\n")
    assert Validation.objects.count() == 1
    jobs = ProcrastinateJob.objects.values_list("task_name", flat=True)
    assert sorted(jobs) == ["validation.drive", "validation.run", "validation.wake"]


def test_a_living_worker_is_noticed(run: Run, tenant: Tenant) -> None:
    connected(run)
    make_credential(tenant, "ann@contoso.example")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    ran = run("validate", "Contoso", "--all")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "either --all or --credential"),
        (("--all", "--credential", "x"), 2, "either --all or --credential"),
        (("--credential", "x"), 2, "no such credential"),
        (("--all",), 2, "not connected"),
    ],
)
def test_what_cannot_be_validated(
    run: Run, tenant: Tenant, arguments: tuple[str, ...], code: int, says: str
) -> None:
    make_credential(tenant, "ann@contoso.example")
    ran = run("validate", "Contoso", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
