"""kill -9 at random moments of an import, started again each time: the database is that of an undisturbed run.

The suite kills a small import a few times. ``KILL_MB=200 KILLS=20`` makes it the large one.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from emberwatch.config.embedded import EmbeddedPostgres

MEGABYTES: Final = float(os.environ.get("KILL_MB", "6"))
KILLS: Final = int(os.environ.get("KILLS", "3"))
OURS_EVERY: Final = int(os.environ.get("KILL_OURS_EVERY", "10"))

pytestmark = pytest.mark.slow

# Everything that an import leaves behind but ids, moments and ciphertexts; secrets are compared opened.
CREDENTIALS: Final = """
SELECT c.id, c.login, c.sealed_secret, c.login_canonical, c.domain, c.secret_kind, c.secret_length, c.secret_classes,
  c.source_kind, c.leaked_at_basis, c.exposure_kind, c.first_seen_at = c.last_seen_at
FROM exposures_credential c WHERE c.tenant_id = %s ORDER BY c.login COLLATE "C", c.secret_length, c.id
"""
SIGHTINGS: Final = """
SELECT c.login, s.file_name, s.line, s.url, s.application, s.leaked_at_basis, s.also_in, s.import_id = %s
FROM exposures_sighting s JOIN exposures_credential c ON c.id = s.credential_id
WHERE s.tenant_id = %s ORDER BY c.login COLLATE "C", s.line
"""
COUNTS: Final = (
    'SELECT state, read, "foreign", matched_new, duplicate, rejected, rejects FROM ingestion_import'
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Instead of pytest's own, which every pytest run closes again to the other user that the server is."""
    with tempfile.TemporaryDirectory(prefix="emberwatch-faults-") as path:
        yield Path(path)


def write_leak(path: Path) -> None:
    chance = random.Random(7)
    with path.open("w", buffering=1 << 20) as out:
        number = 0
        while out.tell() < MEGABYTES * 1_000_000:
            number += 1
            person = chance.randrange(number) if number % 17 == 0 else number
            domain = "contoso.example" if person % OURS_EVERY == 0 else "mail.test"
            out.write(f"https://a{person % 9}.test/login:user{person}@{domain}:pw{person}-{person % 97}\n")
            if number % 5000 == 0:
                out.write(f"https://a.test/login:user{number}@contoso.example:\n")


class Installation:
    def __init__(self, folder: Path) -> None:
        names = {name: value for name, value in os.environ.items() if not name.startswith("EMBERWATCH_")}
        self._data = folder / "data"
        self._environ = names | {"EMBERWATCH_DATA_DIR": str(self._data)}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "emberwatch.cli.main", *arguments]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env=self._environ, stdout=quiet, start_new_session=True)

    def run(self, *arguments: str) -> float:
        begun = time.monotonic()
        assert self.start(*arguments).wait(timeout=3000) == 0
        return time.monotonic() - begun

    def content(self, tenant: str) -> dict[str, Any]:
        with self._connected() as connection:
            return self._content(connection, tenant)

    def has_ended(self, tenant: str) -> bool:
        """Whether the tenant's import is done: a command given once more would be a second import."""
        with self._connected() as connection:
            states = connection.execute(
                "SELECT i.state FROM ingestion_import i JOIN tenants_tenant t ON t.id = i.tenant_id"
                " WHERE t.name = %s",
                [tenant],
            ).fetchall()
        return ("done",) in states

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        postgres = EmbeddedPostgres(self._data)
        postgres.acquire()
        try:
            with psycopg.connect(postgres.dsn()) as connection:
                yield connection
        finally:
            postgres.release()

    def _content(self, connection: psycopg.Connection[Any], tenant: str) -> dict[str, Any]:
        row = connection.execute("SELECT id FROM tenants_tenant WHERE name = %s", [tenant]).fetchone()
        assert row is not None
        (tenant_id,) = row
        imports = connection.execute(f"{COUNTS} WHERE tenant_id = %s", [tenant_id]).fetchall()
        (import_id,) = connection.execute(
            "SELECT id FROM ingestion_import WHERE tenant_id = %s", [tenant_id]
        ).fetchone() or (None,)
        vault = self._vault(connection, tenant_id)
        credentials = hashlib.sha256()
        secrets = 0
        for id_, login, sealed, *rest in connection.execute(CREDENTIALS, [tenant_id]):
            secret = vault.open(bytes(sealed), f"credential:{id_}:secret").expose()
            credentials.update(repr((login, secret, rest)).encode())
            secrets += 1
        sightings = connection.execute(SIGHTINGS, [import_id, tenant_id]).fetchall()
        seen = hashlib.sha256(repr(sightings).encode()).hexdigest()
        return {
            "imports": imports,
            "credentials": (secrets, credentials.hexdigest()),
            "sightings": (len(sightings), seen),
        }

    def _vault(self, connection: psycopg.Connection[Any], tenant_id: object) -> Any:
        from emberwatch.vault.crypto import Vault
        from emberwatch.vault.keyring import key_ring_in_folder

        row = connection.execute(
            "SELECT ring_key_id, wrapped FROM vault_datakey WHERE tenant_id = %s", [tenant_id]
        ).fetchone()
        assert row is not None
        scope = f"tenant:{tenant_id}"
        return Vault.from_data_key(scope, key_ring_in_folder(self._data).unwrap(row[0], bytes(row[1]), scope))


def test_a_killed_import_ends_like_one_that_was_left_alone(folder: Path) -> None:
    leak = folder / "leak.txt"
    write_leak(leak)
    installation = Installation(folder)
    for name in ("Undisturbed", "Killed"):
        installation.run("tenant", "create", name, "--domain", "contoso.example")
    seconds = installation.run("import", "Undisturbed", str(leak), "--processes", "2")

    chance = random.Random(os.environ.get("KILL_SEED", "3"))
    landed = 0
    for _ in range(KILLS):
        running = installation.start("import", "Killed", str(leak), "--processes", "2")
        # The larger the file, the longer until it would be done: the kills are spread over all of it.
        time.sleep(1.0 + chance.random() * max(2 * seconds / max(KILLS, 4), 1.5))
        if running.poll() is not None:
            break
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        # Between its last row and its end a process has nothing left to lose.
        if installation.has_ended("Killed"):
            break
        landed += 1
    else:
        installation.run("import", "Killed", str(leak), "--processes", "2")

    undisturbed, killed = installation.content("Undisturbed"), installation.content("Killed")
    print(
        f"{landed} of {KILLS} kills came in time; {MEGABYTES} MB; {undisturbed['credentials'][0]} credentials"
    )
    assert undisturbed["credentials"][0] > 1000
    assert landed > 0
    assert killed == undisturbed
