"""A whole installation of its own: a data folder, the commands as real processes, and a simulated directory."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from emberwatch.config.embedded import EmbeddedPostgres
from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    SecretScenario,
    SimulatedEntra,
    UserScenario,
)
from tests.world import APP, DIRECTORY, SECRET

COMMAND = [sys.executable, "-m", "emberwatch.cli.main"]
CONNECT = (
    "entra",
    "connect",
    "Contoso",
    "--client-id",
    APP,
    "--entra-tenant-id",
    DIRECTORY,
    "--cloud",
    "custom",
)


class Installation:
    def __init__(self, folder: Path, entra: SimulatedEntra) -> None:
        self.folder = folder
        self.entra = entra
        self.database = EmbeddedPostgres(folder)
        self.started: list[subprocess.Popen[str]] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EMBERWATCH_")}
        self.environment = kept | {
            "PYTHONPATH": "src",
            "EMBERWATCH_DATA_DIR": str(folder),
            "EMBERWATCH_CUSTOM_CLOUD_LOGIN_URL": entra.url,
            "EMBERWATCH_CUSTOM_CLOUD_GRAPH_URL": entra.graph_url,
            "EMBERWATCH_CUSTOM_CLOUD_PORTAL_URL": entra.portal_url,
            "EMBERWATCH_CUSTOM_CLOUD_CA_FILE": str(entra.ca_file),
        }

    def run(
        self, *arguments: str, code: int = 0, typed: str = "", settings: dict[str, str] | None = None
    ) -> str:
        """The standard output of a command that ends with this code."""
        done = self.finished(*arguments, typed=typed, settings=settings)
        assert done.returncode == code, done.stderr
        return done.stdout

    def finished(
        self, *arguments: str, typed: str = "", settings: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            env=self.environment | (settings or {}),
            check=False,
        )

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*arguments, "--json").splitlines()]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        """kill -9 for the process and all that it started."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.dsn()) as connection:
            return connection.execute(query).fetchall()

    def make_tenant_with_leak(self, *lines: str) -> None:
        self.run("tenant", "create", "Contoso", "--domain", "contoso.example")
        self.run(*CONNECT, typed=f"{SECRET}\n")
        leak = self.folder / "leak.txt"
        leak.write_text("\n".join(lines) + "\n")
        self.run("import", "Contoso", str(leak))
        leak.unlink()

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                self.kill(process)


@contextmanager
def installation(*users: UserScenario) -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-installation-"))
    folder.chmod(0o711)
    with SimulatedEntra(_scenario(users)) as entra:
        made = Installation(folder, entra)
        made.database.acquire()
        try:
            yield made
        finally:
            made.close()
            made.database.release()
            shutil.rmtree(folder)


def _scenario(users: tuple[UserScenario, ...]) -> Scenario:
    app = AppScenario(
        client_id=APP,
        secrets=(SecretScenario(value=SECRET),),
        granted_roles=("Directory.Read.All",),
        consented_scopes=("openid",),
    )
    domain = DomainScenario(name="contoso.example", default=True)
    return Scenario(
        directories=(
            DirectoryScenario(id=DIRECTORY, name="Contoso", domains=(domain,), apps=(app,), users=users),
        )
    )


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
