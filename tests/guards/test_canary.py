"""A unique password goes through the whole pipeline and is then searched for everywhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from procrastinate.contrib.django import app as django_app

from emberwatch.accounts.actor import SYSTEM
from emberwatch.alerts.composing import compose
from emberwatch.alerts.models import AlertRule, Delivery
from emberwatch.alerts.policy import Fact
from emberwatch.config.embedded import EmbeddedPostgres
from emberwatch.core.clock import utc_now
from emberwatch.engine.worker import worker_options
from emberwatch.exposures.models import Credential
from emberwatch.exposures.services import open_secret
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.services import ImportOptions, open_upload, request_import
from emberwatch.simulator import FaultRule, UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.runs import start_run
from tests.factories import NOW, connect, make_alert_rule, make_channel, make_tenant, make_user
from tests.integration.conftest import StartEntra, start_entra
from tests.world import APP, DIRECTORY, SECRET

__all__ = ["start_entra"]

CANARY: Final = "canary-7Kq!vX2-pass"
WRONG: Final = "canary-9Zt!bY4-wrong"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LEAK: Final = f"""https://a.test/login:ann@contoso.example:{CANARY}
https://a.test/login:ann@contoso.example:{WRONG}
https://a.test/login:ben@contoso.example:{WRONG}
https://a.test/login:cay@contoso.example:{CANARY}
canary-7Kq!vX2-pass ann@contoso.example
"""


@pytest.fixture(autouse=True)
def _clean(transactional_db: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def _work() -> None:
    async def run() -> None:
        app = django_app.with_connector(django_app.connector.get_worker_connector())  # type: ignore[attr-defined]
        async with app.open_async():
            options = worker_options(1) | {"delete_jobs": "never"}
            await app.run_worker_async(**options, wait=False, install_signal_handlers=False)

    for _ in range(4):
        asyncio.run(run())


def _pipeline(start_entra: StartEntra) -> Tenant:
    """Upload, import, a right sign-in, a wrong one, one whose reply is lost, and a fault of our own."""
    entra = start_entra(
        UserScenario(upn="ann@contoso.example", password=CANARY),
        UserScenario(upn="ben@contoso.example", password=CANARY),
        # One reply is lost, whichever comes second: another right one stays.
        UserScenario(upn="cay@contoso.example", password=CANARY),
    )
    tenant = make_tenant()
    make_alert_rule(tenant, make_channel(tenant))
    AlertRule.objects.update(facts=list(Fact), on_since=NOW)
    connect(tenant, DIRECTORY, APP, SECRET)
    import_id, writer = open_upload(tenant, actor=SYSTEM)
    writer.write(LEAK.encode())
    writer.finish()
    request_import(tenant, import_id, "leak.txt", writer.size, ImportOptions(), actor=SYSTEM, now=utc_now())
    _work()
    # The first job plans the import; reading its piece is another.
    _work()
    assert Import.objects.get().state == ImportState.DONE
    entra.faults.add(FaultRule(where="token", kind="drop_after", count=1, skip=1))
    start_run(tenant, actor=SYSTEM, now=utc_now())
    _work()
    for rule in AlertRule.objects.all():
        compose(rule.pk, utc_now() + timedelta(hours=1))
    Delivery.objects.update(next_try_at=utc_now())
    _work()
    return tenant


def _every_cell() -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - names come from the catalogue
            for (row,) in cursor.fetchall():
                yield table, row


def test_the_canary_is_found_nowhere(
    start_entra: StartEntra,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    data_dir: Path,
) -> None:
    with caplog.at_level(logging.DEBUG):
        tenant = _pipeline(start_entra)

    # There is something to leak: the vault opens it, and it was signed in with.
    opened = {open_secret(credential).expose() for credential in Credential.objects.filter(tenant=tenant)}
    assert {CANARY, WRONG} <= opened
    assert Credential.objects.filter(verdict="active").exists()
    assert len(apps.get_models()) > 10
    told = "".join(str(delivery.message) for delivery in Delivery.objects.filter(state="failed"))
    assert "'title': 'Active: " in told
    assert "New credential: ann@contoso.example" in told

    cells = list(_every_cell())
    assert {"exposures_credential", "procrastinate_jobs", "audit_auditrow"} <= {table for table, _ in cells}
    printed = "".join(capfd.readouterr())
    for secret in (CANARY, WRONG, SECRET):
        assert [table for table, row in cells if secret in row] == []
        assert secret not in caplog.text
        assert secret not in printed
        assert _files_with(data_dir, secret.encode()) == []


def _files_with(folder: Path, needle: bytes) -> list[Path]:
    with psycopg.connect(EmbeddedPostgres(folder).superuser_dsn(), autocommit=True) as superuser:
        # Pages reach the disk, so that what is searched is what would be stolen.
        superuser.execute("CHECKPOINT")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 100
    return [path for path in files if needle in _content(path)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # The database drops its temporary files by itself.
        return b""


@pytest.mark.parametrize("role", ["viewer", "analyst", "admin"])
def test_no_page_shows_it(start_entra: StartEntra, client: object, role: str) -> None:
    from django.test import Client

    assert isinstance(client, Client)
    tenant = _pipeline(start_entra)
    client.force_login(make_user(tenant, role), backend="allauth.account.auth_backends.AuthenticationBackend")
    credential = Credential.objects.filter(tenant=tenant, verdict="active").get()
    done = Import.objects.get()
    for address in (
        f"/tenants/{tenant.id}/credentials/",
        f"/tenants/{tenant.id}/credentials/{credential.id}/",
        f"/tenants/{tenant.id}/imports/",
        f"/tenants/{tenant.id}/imports/{done.id}/",
    ):
        reply = client.get(address)
        assert reply.status_code == 200, address
        assert CANARY not in reply.content.decode()
        assert WRONG not in reply.content.decode()
    assert "ann@contoso.example" in client.get(f"/tenants/{tenant.id}/credentials/").content.decode()
