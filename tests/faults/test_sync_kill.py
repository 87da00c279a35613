"""kill -9 of the process that reads a directory, at every page in turn: the store ends up equal to the directory.

The process dies after its answer has come and before that is stored, and again when it is stored and the next
page has been asked for. It is the same code as in a worker, in a process of its own.
"""

from __future__ import annotations

import dataclasses
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from emberwatch.accounts.actor import SYSTEM
from emberwatch.config.environment import CustomCloud
from emberwatch.core.clock import utc_now
from emberwatch.directories import services as directory_services
from emberwatch.identities.models import DirectorySync, SyncLease, SyncState
from emberwatch.identities.services import request_sync
from emberwatch.simulator import DeltaScenario, Scenario, SimulatedEntra
from emberwatch.simulator.faults import FaultPlan, FaultRule
from emberwatch.vault.keyring import KEY_FILE_NAME
from tests.directory_truth import differences
from tests.factories import connect, make_tenant
from tests.integration.conftest import scenario_of
from tests.organisation import Days, parts
from tests.world import APP, DIRECTORY, SECRET

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PEOPLE: Final = 45
PAGES: Final = DeltaScenario(page=10)
PATIENCE: Final = 60.0


class Gate(FaultPlan):
    """Lets so many requests to Graph pass as it was told; the next one waits for its answer."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._left: int | None = None
        self._waiting = 0
        self.kept = 0
        """How many requests had to wait so far."""

    def let_pass(self, requests: int | None) -> None:
        """``None``: all of them."""
        with self._changed:
            self._left = requests
            self._changed.notify_all()

    def clear(self) -> None:
        """Nobody waits any more; whom the answers were for may be dead."""
        self.let_pass(None)
        with self._changed:
            assert self._changed.wait_for(lambda: self._waiting == 0, PATIENCE)

    def decide(self, channel: str, path: str, method: str = "GET") -> tuple[float, FaultRule | None]:
        if channel == "graph":
            self._wait_for_leave()
        return super().decide(channel, path, method)

    def _wait_for_leave(self) -> None:
        with self._changed:
            if self._left == 0:
                self._waiting += 1
                self.kept += 1
                self._changed.wait_for(lambda: self._left != 0)
                self._waiting -= 1
                self._changed.notify_all()
            if self._left is not None:
                self._left -= 1


class GatedEntra(SimulatedEntra):
    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.gate = self.faults = Gate()


class Processes:
    """Real processes that read one directory, one after the other."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._maker = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.reading_processes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._told: queue.Queue[int] = queue.Queue()
        self._running = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._maker.stdout is not None
        for line in self._maker.stdout:
            self._told.put(int(line))

    def begin(self, sync_id: UUID) -> None:
        assert self._maker.stdin is not None
        self._maker.stdin.write(f"{sync_id}\n")
        self._maker.stdin.flush()
        self._running = self._told.get(timeout=PATIENCE)

    def has_ended(self) -> bool:
        if self._told.empty():
            return False
        assert self._told.get() == 0
        return True

    def kill(self) -> None:
        os.kill(self._running, signal.SIGKILL)
        assert self._told.get(timeout=PATIENCE) == -signal.SIGKILL

    def close(self) -> None:
        assert self._maker.stdin is not None
        self._maker.stdin.close()
        self._maker.wait(timeout=PATIENCE)


def environment_of_a_process(entra: SimulatedEntra, data_dir: Path) -> dict[str, str]:
    """The test's own database and keys."""
    database = connection.settings_dict
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMBERWATCH_")}
    user = (
        f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
        if database["PASSWORD"]
        else database["USER"]
    )
    return kept | {
        "EMBERWATCH_DATA_DIR": str(data_dir),
        "EMBERWATCH_DATABASE_URL": f"postgresql://{user}@/{database['NAME']}?host={quote(str(database['HOST']))}",
        "EMBERWATCH_VAULT_KEYS_FILE": str(data_dir / KEY_FILE_NAME),
        "EMBERWATCH_SECRET_KEY": "a secret key for tests alone, which signs nothing here",
        "EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": entra.url,
        "EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL": entra.graph_url,
        "EMBERWATCH_CUSTOM_CLOUD_PORTAL_URL": entra.portal_url,
        "EMBERWATCH_CUSTOM_CLOUD_CA_FILE": str(entra.ca_file),
    }


class Reading:
    """One reading of the simulated directory, by processes that die."""

    def __init__(self, entra: GatedEntra, processes: Processes, sync_id: UUID) -> None:
        self._gate, self._processes, self._sync_id = entra.gate, processes, sync_id

    @property
    def sync(self) -> DirectorySync:
        return DirectorySync.objects.get(pk=self._sync_id)

    @property
    def pages(self) -> int:
        return int(self.sync.counts.get("pages", 0))

    def dies_at_every_page(self) -> int:
        """Until it is done; returns how often it died. Where a page takes several answers, it dies at each."""
        pages = answers = died = 0
        while True:
            answers += 1
            if not self._dies_storing(answers):
                return died
            # What was not committed does not count.
            assert self.pages == pages
            if not self._dies_asking(answers):
                return died + 1
            died += 2
            answers = 0 if self.pages > pages else answers
            pages = self.pages

    def _dies_storing(self, answers: int) -> bool:
        """It has its ``answers``-th answer, and cannot commit what that brought."""
        if not self._asks_after(answers - 1):
            return False
        with transaction.atomic():
            DirectorySync.objects.select_for_update().get(pk=self._sync_id)
            kept = self._gate.kept
            self._gate.let_pass(1)
            until(lambda: waits_for_a_lock() or self._gate.kept > kept)
            self._kill()
        return True

    def _dies_asking(self, answers: int) -> bool:
        """It has stored what so many answers brought, and waits for the next one."""
        if not self._asks_after(answers):
            return False
        self._kill()
        return True

    def _asks_after(self, answers: int) -> bool:
        """Whether a new process asks once more after so many answers, or is done before."""
        SyncLease.objects.update(until=utc_now())  # as it is some minutes after the last one died
        kept = self._gate.kept
        self._gate.let_pass(answers)
        self._processes.begin(self._sync_id)
        until(lambda: self._gate.kept > kept or self._processes.has_ended())
        return self._gate.kept > kept

    def _kill(self) -> None:
        self._processes.kill()
        self._gate.clear()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def entra(settings: Settings) -> Iterator[GatedEntra]:
    with GatedEntra(scenario_of((), {**parts(PEOPLE), "delta": PAGES})) as running:
        cloud = CustomCloud(running.url, running.graph_url, running.portal_url, running.ca_file)
        settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, custom_cloud=cloud)
        yield running
    directory_services._shared.clear()


@pytest.fixture
def processes(entra: GatedEntra, data_dir: Path) -> Iterator[Processes]:
    made = Processes(environment_of_a_process(entra, data_dir))
    yield made
    made.close()


def test_a_process_that_is_killed_at_every_page(entra: GatedEntra, processes: Processes) -> None:
    tenant = make_tenant("contoso.example")
    connect(tenant, DIRECTORY, APP, SECRET)
    for changes in (0, 40):
        Days(entra).pass_by(changes)
        reading = Reading(entra, processes, request_sync(tenant, actor=SYSTEM, now=utc_now()).id)
        deaths = reading.dies_at_every_page()
        assert reading.sync.state == SyncState.IDLE
        assert deaths >= 2 * reading.pages - 1
        assert differences(tenant, entra) == []
