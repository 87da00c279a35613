"""A tenant that is connected to a simulated directory with people, groups and roles in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
import stamina

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.services import open_directory
from emberwatch.identities.models import DirectorySync
from emberwatch.identities.services import request_sync
from emberwatch.identities.syncing import sync_directory
from emberwatch.simulator import SimulatedEntra
from emberwatch.tenants.models import Tenant
from tests.directory_truth import differences
from tests.factories import connect, make_tenant
from tests.integration.conftest import OWN_APP, StartEntra
from tests.organisation import gallery, parts
from tests.world import APP, DIRECTORY, SECRET


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@dataclass
class World:
    entra: SimulatedEntra
    tenant: Tenant
    connection: DirectoryConnection
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """The real time, and as much later as the test has let pass."""
        return utc_now() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)

    @property
    def sync(self) -> DirectorySync:
        return DirectorySync.objects.select_related("connection").get(connection=self.connection)

    def ask(self) -> DirectorySync:
        return request_sync(self.tenant, actor=SYSTEM, now=self.now())

    def go_on(self, **options: Any) -> timedelta | None:
        """One job's worth of reading."""
        opened = open_directory(self.connection, self.now)
        given = {"clock": self.now, "directory_for": lambda _: opened, "sleep": self.sleep, **options}
        try:
            return sync_directory(self.sync.id, **given)
        finally:
            opened.close()

    def read(self, **options: Any) -> DirectorySync:
        """Asks for a reading and lets it go on, however often it has to wait, until it is complete."""
        self.ask()
        return self.finish(**options)

    def finish(self, **options: Any) -> DirectorySync:
        for _ in range(100):
            wait = self.go_on(**options)
            if wait is None:
                return self.sync
            self.ahead += wait
        raise AssertionError("the reading does not end")

    def differences(self, **scope: Any) -> list[str]:
        return differences(self.tenant, self.entra, **scope)


@pytest.fixture
def begin(start_entra: StartEntra) -> Any:
    def start(size: int = 130, **directory: Any) -> World:
        made = {**parts(size), **directory}
        apps = (OWN_APP, *gallery(made["users"], made["groups"]))
        entra = start_entra(**{"apps": apps, **made})
        tenant = make_tenant("contoso.example")
        return World(entra, tenant, connect(tenant, DIRECTORY, APP, SECRET))

    return start
