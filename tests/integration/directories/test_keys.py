"""Secrets, certificates and federation: stored sealed, two side by side, renewed without a gap."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection as database
from pytest_django import Settings

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput, Conflict, NotAllowed, NotFound
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Verdict
from emberwatch.directories.keys import KeyForm, file_in_base64, keys_of
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection, KeyKind
from emberwatch.directories.services import (
    ConnectionForm,
    add_key,
    check_connection,
    remove_key,
    save_connection,
    shared_directory,
)
from emberwatch.simulator import CertificateScenario, SecretScenario, SimulatedEntra, UserScenario
from emberwatch.tenants.models import Tenant
from tests.factories import make_actor, make_tenant
from tests.integration.conftest import StartEntra
from tests.integration.directories.test_connection import app
from tests.unit.directories.keys import PASSWORD, Keys, make_keys, rsa_key
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

NEW_SECRET = "Yy7Q~the-second-secret-of-the-test-app.22"
KEYS, NEW_KEYS = make_keys(now=utc_now()), make_keys(key=rsa_key(2048, 1), now=utc_now())
ANN = UserScenario(upn="ann@contoso.example", password=RIGHT)


def registered(*, secrets: tuple[str, ...] = (SECRET,), keys: tuple[Keys, ...] = (KEYS,)) -> object:
    return app(
        secrets=tuple(SecretScenario(value=value) for value in secrets),
        certificates=tuple(CertificateScenario(pem=each.public_pem) for each in keys),
    )


def certificate(keys: Keys = KEYS, password: str = "") -> KeyForm:
    return KeyForm(certificate=file_in_base64(keys.pfx(password)), certificate_password=Secret(password))


def secret(value: str = SECRET) -> KeyForm:
    return KeyForm(client_secret=Secret(value))


def save(tenant: Tenant, key: KeyForm, **typed: str) -> DirectoryConnection:
    values = {"client_id": APP, "directory": DIRECTORY} | typed
    form = ConnectionForm(values["client_id"], values["directory"], "custom", key.client_secret, key)
    connection, _ = save_connection(tenant, form, actor=SYSTEM, now=utc_now())
    connection.refresh_from_db()
    return connection


def add(tenant: Tenant, key: KeyForm) -> None:
    add_key(tenant, key, actor=SYSTEM, now=utc_now())


def works(connection: DirectoryConnection) -> list[tuple[str, bool | None]]:
    return [(row.kind, row.works) for row in keys_of(connection)]


def verdict_of(connection: DirectoryConnection) -> Verdict:
    """What a sign-in with the right password gives, over the adapter that jobs share."""
    connection.refresh_from_db()
    directory = shared_directory(connection)
    account = directory.find_account("ann@contoso.example").account
    assert account is not None
    return directory.sign_in(account, Secret(RIGHT), uuid4()).verdict


def take_from_entra(entra: SimulatedEntra, **left: object) -> None:
    entra.directory(DIRECTORY).put_app(registered(**left))  # type: ignore[arg-type]


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_a_connection_by_certificate_alone(start_entra: StartEntra, password: str) -> None:
    start_entra(ANN, apps=(registered(),))
    connection = save(make_tenant(), certificate(password=password))
    assert connection.status == ConnectionStatus.ACTIVE
    assert connection.check_items[3]["sentence"] == "Entra ID accepts the client ID and certificate."
    row = connection.keys.get()
    assert (row.kind, row.thumbprint) == (KeyKind.CERTIFICATE, KEYS.thumbprint)
    assert row.ends_at == KEYS.certificate.not_valid_after_utc
    assert verdict_of(connection) is Verdict.ACTIVE


def test_nothing_of_a_key_is_stored_in_the_clear(start_entra: StartEntra) -> None:
    start_entra(apps=(registered(),))
    connection = save(make_tenant(), certificate(password=PASSWORD))
    with database.cursor() as cursor:
        cursor.execute("SELECT sealed FROM directories_connectionkey")
        sealed = bytes(cursor.fetchone()[0])
    private = KEYS.private_pem().splitlines()[3]
    assert private not in sealed
    assert b"PRIVATE" not in sealed
    told = str(list(AuditRow.objects.values_list("facts", "reason"))) + str(connection.check_items)
    assert KEYS.thumbprint in told
    assert PASSWORD not in told
    assert private.decode() not in told


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (KeyForm(client_secret=Secret(SECRET), certificate=file_in_base64(KEYS.pfx())), "certificate"),
        (KeyForm(client_secret=Secret(SECRET), federated=True), "federated"),
        (KeyForm(certificate=Secret("not base64!")), "certificate"),
        (certificate(replace(KEYS)), ""),
        (KeyForm(certificate=file_in_base64(b"rubbish")), "certificate"),
        (
            KeyForm(certificate=file_in_base64(KEYS.pfx(PASSWORD)), certificate_password=Secret("x")),
            "certificate_password",
        ),
        (certificate(make_keys(now=utc_now(), ends=timedelta(days=-1))), "certificate"),
        (KeyForm(client_secret=Secret(DIRECTORY)), "client_secret"),
        (KeyForm(), "client_secret"),
    ],
)
def test_what_cannot_be_a_key_changes_nothing(start_entra: StartEntra, form: KeyForm, field: str) -> None:
    start_entra(apps=(registered(),))
    tenant = make_tenant()
    connection = save(tenant, secret())
    if not field:
        add(tenant, form)
        assert len(keys_of(connection)) == 2
        return
    with pytest.raises(BadInput) as caught:
        add(tenant, form)
    assert caught.value.field == field
    assert works(connection) == [(KeyKind.SECRET, True)]


def test_a_secret_is_renewed_without_a_gap(start_entra: StartEntra) -> None:
    entra = start_entra(ANN, apps=(registered(secrets=(SECRET, NEW_SECRET)),))
    tenant = make_tenant()
    connection = save(tenant, secret())
    old = connection.keys.get()
    assert verdict_of(connection) is Verdict.ACTIVE

    add(tenant, secret(NEW_SECRET))
    assert works(connection) == [(KeyKind.SECRET, True), (KeyKind.SECRET, True)]
    assert keys_of(connection)[0].pk != old.pk, "the newer one that works is used"
    assert verdict_of(connection) is Verdict.ACTIVE

    take_from_entra(entra, secrets=(NEW_SECRET,))
    assert verdict_of(connection) is Verdict.ACTIVE
    report = check_connection(tenant, actor=SYSTEM)
    assert report.fault is None
    assert {finding.works for finding in report.keys} == {True, False}

    remove_key(tenant, old.pk, actor=SYSTEM, now=utc_now())
    assert works(connection) == [(KeyKind.SECRET, True)]
    assert verdict_of(connection) is Verdict.ACTIVE
    actions = list(
        AuditRow.objects.filter(action__startswith="directory.key").values_list("action", flat=True)
    )
    assert actions == ["directory.key_added", "directory.key_removed"]


def test_a_new_key_that_does_not_work_leaves_the_old_one_in_use(start_entra: StartEntra) -> None:
    start_entra(ANN, apps=(registered(),))
    tenant = make_tenant()
    connection = save(tenant, secret())
    add(tenant, certificate(NEW_KEYS))
    connection.refresh_from_db()
    assert connection.status == ConnectionStatus.ACTIVE
    assert works(connection) == [(KeyKind.SECRET, True), (KeyKind.CERTIFICATE, False)]
    failed = keys_of(connection)[1]
    assert (failed.code, "certificate or signature" in failed.sentence) == ("AADSTS700027", True)
    warnings = [item for item in connection.check_items if item["state"] == "warning"]
    assert any(item["sentence"].startswith("The certificate ") and item["code"] for item in warnings)
    assert verdict_of(connection) is Verdict.ACTIVE


def test_from_a_secret_to_a_certificate_and_the_secret_is_gone(start_entra: StartEntra) -> None:
    entra = start_entra(ANN, apps=(registered(),))
    tenant = make_tenant()
    connection = save(tenant, secret())
    add(tenant, certificate())
    (old,) = [row for row in keys_of(connection) if row.kind == KeyKind.SECRET]
    take_from_entra(entra, secrets=())
    remove_key(tenant, old.pk, actor=SYSTEM, now=utc_now())
    connection.refresh_from_db()
    assert connection.status == ConnectionStatus.ACTIVE
    assert verdict_of(connection) is Verdict.ACTIVE


def test_there_is_room_for_two_and_the_last_one_stays(start_entra: StartEntra) -> None:
    start_entra(apps=(registered(),))
    tenant = make_tenant()
    connection = save(tenant, secret())
    with pytest.raises(Conflict, match="the only key"):
        remove_key(tenant, connection.keys.get().pk, actor=SYSTEM, now=utc_now())
    with pytest.raises(Conflict, match="stored already"):
        add(tenant, secret())
    add(tenant, certificate())
    with pytest.raises(Conflict, match="has 2 keys already"):
        add(tenant, secret(NEW_SECRET))
    with pytest.raises(NotFound):
        remove_key(tenant, uuid4(), actor=SYSTEM, now=utc_now())
    other = make_tenant()
    theirs = save(other, secret()).keys.get()
    with pytest.raises(NotFound):
        remove_key(tenant, theirs.pk, actor=SYSTEM, now=utc_now())


def test_saving_with_a_key_puts_it_in_the_place_of_all(start_entra: StartEntra) -> None:
    start_entra(apps=(registered(),))
    tenant = make_tenant()
    connection = save(tenant, secret())
    add(tenant, certificate())
    save(tenant, KeyForm())
    assert len(keys_of(connection)) == 2, "saving without one keeps them"
    save(tenant, secret())
    assert works(connection) == [(KeyKind.SECRET, True)]
    with pytest.raises(BadInput) as caught:
        save(tenant, KeyForm(), client_id=str(uuid4()))
    assert caught.value.field == "client_secret"


def test_only_those_who_configure_may_add_or_remove(start_entra: StartEntra) -> None:
    start_entra(apps=(registered(),))
    tenant = make_tenant()
    connection = save(tenant, secret())
    analyst = make_actor(tenant, "analyst")
    with pytest.raises(NotAllowed):
        add_key(tenant, certificate(), actor=analyst, now=utc_now())
    add_key(tenant, certificate(), actor=make_actor(tenant, "admin"), now=utc_now())
    with pytest.raises(NotAllowed):
        remove_key(tenant, keys_of(connection)[0].pk, actor=analyst, now=utc_now())


def test_federation_is_the_operators_to_give(
    start_entra: StartEntra, settings: Settings, tmp_path: Path
) -> None:
    start_entra(apps=(registered(),))
    tenant, form = make_tenant(), KeyForm(federated=True)
    with pytest.raises(BadInput, match="no federated token"):
        save(tenant, form)
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, federated_token_path=tmp_path / "token")
    connection = save(tenant, secret())
    with pytest.raises(NotAllowed, match="organisation admin"):
        add_key(tenant, form, actor=make_actor(tenant, "admin"), now=utc_now())
    add_key(tenant, form, actor=make_actor(organisation_admin=True), now=utc_now())
    # There is no file yet: a warning beside the secret that works.
    assert works(connection) == [(KeyKind.SECRET, True), (KeyKind.FEDERATION, False)]
    assert "federated token cannot be read" in keys_of(connection)[1].sentence


def test_the_form_of_a_file_is_base64() -> None:
    assert base64.b64decode(file_in_base64(b"\x00\xff").expose()) == b"\x00\xff"
