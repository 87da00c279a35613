"""The commands as real processes: migrations, waiting for verdicts, serving, the demo."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from typing import IO
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from emberwatch.core.verdict import Verdict
from emberwatch.simulator import UserScenario
from tests.integration.cli.installation import COMMAND, Installation, free_port, installation, wait_until
from tests.world import RIGHT

pytestmark = pytest.mark.slow

ANN = UserScenario(upn="ann@contoso.example", password=RIGHT)
BEN = UserScenario(upn="ben@contoso.example", password=RIGHT)


@pytest.fixture(scope="module")
def ours() -> Iterator[Installation]:
    with installation(ANN, BEN) as made:
        made.make_tenant_with_leak(f"{ANN.upn}:{RIGHT}", f"{BEN.upn}:Wrong-Passw0rd")
        yield made


@pytest.fixture
def external(ours: Installation) -> Iterator[dict[str, str]]:
    """Settings that name another, empty database, as a PostgreSQL of the operator's own would be."""
    name = f"external_{uuid4().hex[:8]}"
    with psycopg.connect(ours.database.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("CREATE DATABASE {} OWNER emberwatch").format(sql.Identifier(name)))
    yield {
        "EMBERWATCH_DATABASE_URL": ours.database.dsn(database=name),
        "EMBERWATCH_VAULT_KEYS": "k1:" + "A" * 43 + "=",
        "EMBERWATCH_SECRET_KEY": "s" * 40,
    }
    with psycopg.connect(ours.database.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_an_external_database_is_migrated_on_demand_and_only_once(
    ours: Installation, external: dict[str, str]
) -> None:
    for command in (("tenant", "list"), ("worker",), ("serve", "--port", str(free_port()))):
        refused = ours.finished(*command, settings=external)
        assert refused.returncode == 1
        assert refused.stderr == (
            "emberwatch: The database is not up to date. Run `emberwatch migrate` once, then start.\n"
        )

    both = [
        subprocess.Popen(
            [*COMMAND, "migrate"], env=ours.environment | external, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    applied = re.findall(r"^applied (\S+)$", "".join(printed), re.MULTILINE)
    assert len(applied) == len(set(applied)) > 50
    assert "up to date" in "".join(printed)

    ours.run("tenant", "list", settings=external)
    assert ours.run("migrate", settings=external) == "The database is up to date.\n"


def test_validate_brings_its_own_worker_when_none_runs(ours: Installation) -> None:
    rows = ours.rows("validate", "Contoso", "--all", "--wait")
    assert sorted(row["verdict"] for row in rows) == ["active", "inactive"]
    assert all(row["evidence"]["method"] == "one sign-in" for row in rows)
    assert ours.sql("SELECT count(*) FROM procrastinate_workers") == [(0,)]

    # Settled verdicts stand; one credential that is named is looked at again.
    assert "every verdict is settled" in ours.run("validate", "Contoso", "--all", "--wait")
    (wrong,) = ours.rows("credentials", "Contoso", "--verdict", "inactive")
    again = ours.run("validate", "Contoso", "--credential", wrong["id"], "--wait")
    assert again.startswith(f"{BEN.upn}: Wrong password (proved)\n")
    assert "A wrong password is never sent twice" in again
    assert len(ours.entra.journal.attempts_for(BEN.upn)) == 1


def test_serve_prints_a_one_time_link_until_there_is_an_admin(ours: Installation) -> None:
    port = free_port()
    web = ours.start("serve", "--port", str(port))
    link = _line(web.stdout, "/invitation/")
    assert link.startswith(f"http://127.0.0.1:{port}/invitation/")
    wait_until(lambda: _answers(f"http://127.0.0.1:{port}/healthz"))
    assert httpx.get(link).status_code == 200

    second = ours.finished("serve", "--port", str(port))
    assert (second.returncode, "--port" in second.stderr) == (1, True)
    web.send_signal(signal.SIGTERM)
    assert web.wait(30) == 0
    assert not _answers(f"http://127.0.0.1:{port}/healthz")


def test_serving_others_without_tls_is_warned_of(ours: Installation) -> None:
    for settings, warned in (({}, True), ({"EMBERWATCH_BASE_URL": "https://ember.example"}, False)):
        process = subprocess.Popen(
            [*COMMAND, "serve", "--host", "0.0.0.0", "--port", str(free_port())],
            env=ours.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        _line(process.stdout, "Emberwatch serves")
        process.terminate()
        assert ("WARNING" in process.communicate(timeout=30)[1]) is warned


def test_a_worker_ends_cleanly(ours: Installation) -> None:
    worker = ours.start("worker")
    # One for each of its lanes.
    wait_until(lambda: ours.sql("SELECT count(*) FROM procrastinate_workers") == [(2,)])
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert ours.sql("SELECT count(*) FROM procrastinate_workers") == [(0,)]


def test_the_demo_is_true(ours: Installation) -> None:
    done = ours.finished("demo", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    table = done.stdout.partition("Group")[2]
    for verdict in Verdict:
        assert re.search(rf"{re.escape(verdict.label)} +[1-9]\d* ", table), verdict
    total = re.search(r"Total +(\d+) +(\d+)", table)
    assert total is not None and int(total[1]) >= 400
    assert "Accounts locked by Emberwatch: 0" in table


def test_the_demo_leaves_what_is_not_its_own_alone(ours: Installation) -> None:
    refused = ours.finished("demo", "--once", "--data-dir", str(ours.folder))
    assert (refused.returncode, "holds something other" in refused.stderr) == (2, True)
    assert len(ours.rows("tenant", "list")) == 1


def test_interrupting_the_demo_leaves_nothing_running(ours: Installation) -> None:
    demo = ours.start("demo", "--port", str(free_port()))
    _line(demo.stdout, "connected")
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 130
    running = subprocess.run(["pgrep", "-g", str(demo.pid)], capture_output=True, check=False)
    assert running.stdout == b""


def _line(output: IO[str] | None, part: str) -> str:
    assert output is not None
    for line in output:
        if part in line:
            return line.strip()
    raise AssertionError(f"{part} was never printed")


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False
