"""A client secret that was stored before keys had a table of their own is still there, and opens, after the upgrade."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.base import ClientSecret
from emberwatch.directories.keys import app_keys
from emberwatch.directories.models import DirectoryConnection
from emberwatch.vault.services import tenant_vault
from tests.factories import make_tenant
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER = [("directories", "0002_gate")], [("directories", "0003_app_keys_and_calls")]


def migrate(target: list[tuple[str, str]]) -> StateApps:
    executor = MigrationExecutor(connection)
    executor.migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps


@pytest.fixture
def newest() -> Iterator[None]:
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.usefixtures("newest")
def test_a_stored_secret_moves_and_opens() -> None:
    tenant, now = make_tenant(), utc_now()
    old = migrate(BEFORE).get_model("directories", "DirectoryConnection")
    row = old.objects.create(
        tenant_id=tenant.id,
        cloud="global",
        entra_tenant_id=DIRECTORY,
        client_id=APP,
        sealed_client_secret=b"",
        status="active",
        created_at=now,
        updated_at=now,
    )
    row.sealed_client_secret = tenant_vault(tenant.id).seal(
        Secret(SECRET), f"directory:{row.pk}:client_secret"
    )
    row.save()
    migrate(AFTER)
    (key,) = app_keys(DirectoryConnection.objects.get(pk=row.pk), None)
    assert key.proof == ClientSecret(Secret(SECRET))

    back = migrate(BEFORE).get_model("directories", "DirectoryConnection").objects.get(pk=row.pk)
    assert bytes(back.sealed_client_secret) == bytes(row.sealed_client_secret)
