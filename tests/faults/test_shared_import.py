"""Two workers, as on two machines, read one large file in a folder that both see."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tests.integration.cli.installation import Installation, installation

pytestmark = pytest.mark.slow

MEGABYTES: Final = 24
REQUEST: Final = """
import sys
from emberwatch.config.boot import boot
boot()
from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.ingestion.locations import look_at
from emberwatch.ingestion.services import ImportOptions, request_location
from emberwatch.tenants.queries import tenant_by_name
made = request_location(
    tenant_by_name("Together"), look_at(sys.argv[1]), ImportOptions(), actor=SYSTEM, now=utc_now()
)
print(made.is_shared)
"""
# What an import leaves behind but ids, moments and ciphertexts; secrets are compared opened.
CONTENT: Final = """
import hashlib
import sys
from emberwatch.config.boot import boot
boot()
from emberwatch.exposures.models import Credential, Sighting
from emberwatch.exposures.services import secret_opener
from emberwatch.tenants.queries import tenant_by_name
tenant = tenant_by_name(sys.argv[1])
opened, told = secret_opener(tenant.pk), []
for each in Credential.objects.filter(tenant=tenant).order_by("login", "secret_length"):
    told.append((each.login, opened(each).expose(), each.domain, each.leaked_at_basis, each.exposure_kind))
seen = Sighting.objects.filter(tenant=tenant).order_by("line", "credential__login")
told += seen.values_list("credential__login", "file_name", "line", "url", "leaked_at_basis", "also_in")
print(len(told), hashlib.sha256(repr(sorted(map(repr, told))).encode()).hexdigest())
"""


def write_leak(path: Path) -> None:
    chance = random.Random(11)
    with path.open("w", buffering=1 << 20) as out:
        number = 0
        while out.tell() < MEGABYTES * 1_000_000:
            number += 1
            # Some pairs come again, far away in the file and so in another piece.
            person = chance.randrange(number) if number % 13 == 0 else number
            domain = "contoso.example" if person % 20 == 0 else "mail.test"
            out.write(f"https://a{person % 7}.test/login:user{person}@{domain}:pw{person}-{person % 89}\n")
            if number % 7000 == 0:
                out.write(f"https://a.test/login:user{number}@contoso.example:\n")


def script(ours: Installation, code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=ours.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.strip()


def readers(ours: Installation) -> set[int]:
    """The workers that are at a piece of the import at this moment."""
    query = (
        "SELECT worker_id FROM procrastinate_jobs WHERE task_name = 'ingestion.piece' AND status = 'doing'"
    )
    return {worker for (worker,) in ours.sql(query)}


def counts(ours: Installation, tenant: str) -> list[object]:
    query = (
        'SELECT i.state, i.read, i."foreign", i.matched_new, i.duplicate, i.rejected, i.rejects, t.name'
        " FROM ingestion_import i JOIN tenants_tenant t ON t.id = i.tenant_id"
    )
    (found,) = (facts for *facts, name in ours.sql(query) if name == tenant)
    return found


def test_workers_share_one_file_and_come_to_what_one_alone_comes_to() -> None:
    with installation() as ours:
        shared = ours.folder / "shared"
        shared.mkdir()
        leak = shared / "leak.txt"
        write_leak(leak)
        for name in ("Alone", "Together"):
            ours.run("tenant", "create", name, "--domain", "contoso.example")
        ours.run("import", "Alone", str(leak), "--processes", "1")

        ours.environment["EMBERWATCH_SHARED_DIR"] = str(shared)
        assert script(ours, REQUEST, str(leak)) == "True"
        for _ in range(2):
            ours.start("worker")
        at_work = set[int]()
        until = time.monotonic() + 240
        while counts(ours, "Together")[0] not in ("done", "failed") and time.monotonic() < until:
            at_work |= readers(ours)
            time.sleep(0.05)

        assert counts(ours, "Together") == counts(ours, "Alone")
        assert counts(ours, "Alone")[0] == "done"
        assert len(at_work) == 2, at_work
        assert len(ours.sql("SELECT id FROM ingestion_piece WHERE state = 'done'")) >= 10
        assert script(ours, CONTENT, "Together") == script(ours, CONTENT, "Alone")
