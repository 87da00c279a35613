"""Connecting, checking and asking for validations on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.api.directory_shapes import CallCountsOut, CheckOut, DirectoryCallOut, HealthOut, KeyOut
from emberwatch.api.shapes import ValidationOut
from emberwatch.core.clock import utc_now
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.simulator import CertificateScenario, UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.models import Validation
from tests.factories import make_credential, make_tenant
from tests.integration.cli.conftest import Ran, Run
from tests.integration.conftest import StartEntra
from tests.integration.directories.test_connection import app
from tests.unit.directories.keys import PASSWORD, make_keys
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

KEYS = make_keys(now=utc_now())
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


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "app.pfx"
    path.write_bytes(KEYS.pfx(PASSWORD))
    return path


@pytest.fixture
def both(start_entra: StartEntra) -> Tenant:
    """The application has a secret and a certificate, and holds more than it needs."""
    start_entra(
        apps=(
            app(
                certificates=(CertificateScenario(pem=KEYS.public_pem),),
                granted_roles=("Directory.Read.All", "Mail.Read"),
            ),
        )
    )
    return make_tenant("contoso.example", name="Contoso")


@pytest.mark.parametrize("typed", [True, False])
def test_a_certificate_connects(
    run: Run, both: Tenant, certificate: Path, monkeypatch: pytest.MonkeyPatch, typed: bool
) -> None:
    if not typed:
        monkeypatch.setenv("EMBERWATCH_ENTRA_CERTIFICATE_PASSWORD", PASSWORD)
    line = f"{PASSWORD}\n" if typed else ""
    ran = run("entra", "connect", "Contoso", *IDS, "--certificate", str(certificate), typed=line)
    assert (ran.code, ran.err) == (0, "")
    assert "Entra ID accepts the client ID and certificate." in ran.out
    assert PASSWORD not in ran.out
    listed = run("entra", "key", "list", "Contoso", "--json")
    assert [(row["kind"], row["thumbprint"], row["in_use"]) for row in listed.rows] == [
        ("certificate", KEYS.thumbprint, True)
    ]
    assert set(listed.rows[0]) == set(KeyOut.model_fields)
    assert KEYS.thumbprint in run("entra", "key", "list", "Contoso").out


@pytest.mark.parametrize(
    ("data", "password", "says"),
    [
        (None, "", "cannot be read"),
        (b"", "", "is empty"),
        (b"rubbish", "", "neither a PFX nor a PEM"),
        (KEYS.pfx(PASSWORD), "another", "does not open the file"),
    ],
)
def test_a_certificate_that_cannot_be_used(
    run: Run, both: Tenant, tmp_path: Path, data: bytes | None, password: str, says: str
) -> None:
    path = tmp_path / "bad.pfx"
    if data is not None:
        path.write_bytes(data)
    ran = run("entra", "connect", "Contoso", *IDS, "--certificate", str(path), typed=f"{password}\n")
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert not DirectoryConnection.objects.exists()


def test_a_key_is_renewed(run: Run, both: Tenant, certificate: Path) -> None:
    connected(run)
    (old,) = run("entra", "key", "list", "Contoso", "--json").rows
    added = run("entra", "key", "add", "Contoso", "--certificate", str(certificate), typed=f"{PASSWORD}\n")
    assert (added.code, "both" in added.out or "certificate and secret" in added.out) == (0, True)
    again = run("entra", "key", "add", "Contoso", "--certificate", str(certificate), typed=f"{PASSWORD}\n")
    assert (again.code, "has 2 keys already" in again.err) == (1, True)
    assert run("entra", "key", "remove", "Contoso", "--key", old["id"]).code == 0
    (left,) = run("entra", "key", "list", "Contoso", "--json").rows
    assert (left["kind"], left["works"]) == ("certificate", True)
    assert run("entra", "key", "remove", "Contoso", "--key", left["id"]).code == 1
    assert run("entra", "key", "remove", "Contoso", "--key", "x").code == 2


def test_federation_without_a_token_says_who_sets_it(run: Run, both: Tenant) -> None:
    ran = run("entra", "connect", "Contoso", *IDS, "--federated")
    assert (ran.code, "EMBERWATCH_FEDERATED_TOKEN_PATH" in ran.err) == (2, True)


def test_a_check_shows_what_is_missing_and_what_is_too_much(run: Run, both: Tenant) -> None:
    connected(run)
    ran = run("entra", "check", "Contoso")
    assert ran.code == 0
    for text in (
        "Mail.Read",
        "more than needed",
        "it opens everybody's mail",
        "Sign-in log",
        "missing",
        "adminconsent",
    ):
        assert text in ran.out, text
    (row,) = run("entra", "check", "Contoso", "--json").rows
    assert {each["name"]: each["state"] for each in row["capabilities"]}["Accounts"] == "granted"
    assert [each["permission"] for each in row["surplus_permissions"]] == ["Mail.Read"]


def test_health_and_requests(run: Run, both: Tenant) -> None:
    connected(run)
    table = run("entra", "health", "Contoso")
    assert (table.code, "Requests in 24 hours" in table.out) == (0, True)
    (row,) = run("entra", "health", "Contoso", "--json").rows
    assert set(row) == set(HealthOut.model_fields)
    assert set(row["calls"]) == set(CallCountsOut.model_fields)
    calls = run("entra", "calls", "Contoso", "--json", "--limit", "3").rows
    assert len(calls) == 3
    assert set(calls[0]) == set(DirectoryCallOut.model_fields)
    assert "/v1.0/" in run("entra", "calls", "Contoso", "--service", "graph").out
    connected(run, "Zx8Q~not-the-secret-of-this-app-at-all.1")
    failed = run("entra", "calls", "Contoso", "--failed", "--service", "sign-in", "--json").rows
    assert [(row["path"], row["status"]) for row in failed] == [("/{id}/oauth2/v2.0/token", 401)]
