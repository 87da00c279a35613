"""Credentials a second from a file into the tables, beside a bare COPY of the same finished rows; and peak memory.

The file for the first figure holds nothing but credentials of ours, so that everything is parsed, fingerprinted,
sealed and stored. The bare COPY gets the finished rows in PostgreSQL's own binary form and loads them into tables
with the same columns, indexes and foreign keys: what no import can beat. The files for the memory are of three
sizes, one line in a hundred ours.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CREDENTIALS: Final = int(os.environ.get("BENCH_CREDENTIALS", "400000"))
SIZES_MB: Final = tuple(int(size) for size in os.environ.get("BENCH_SIZES_MB", "100,1000,5000").split(","))
PROCESSES: Final = os.cpu_count() or 1
MEMORY_LIMIT_MB: Final = 512
TABLES: Final = ("exposures_credential", "exposures_sighting")
_CHUNK_LINES: Final = 20_000

# A process of its own tells the peak of all its children when it ends; ours has started others before.
_MEASURED: Final = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Run:
    seconds: float
    peak_mb: float


def import_load() -> None:
    """Prints the rates and their ratio; absolute rates mean little on a shared machine."""
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-bench-"))
    # Registered before the database's own hook, so it runs after the database has been left.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["EMBERWATCH_DATA_DIR"] = str(folder / "data")
    from emberwatch.config.boot import boot

    boot()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    _rate(folder)
    _memory(folder)


def _rate(folder: Path) -> None:
    leak = folder / "ours.txt"
    _write(leak, lines=CREDENTIALS, ours_every=1)
    one = _import(_tenant("One process"), leak, 1)
    all_ = _import(_tenant("All cores"), leak, PROCESSES)
    again = _import("All cores", leak, PROCESSES)
    bare = _bare_copy(folder, "All cores")
    leak.unlink()
    print(f"import-load: {CREDENTIALS:,} credentials, all of them ours, {PROCESSES} cores")
    for name, seconds in (
        ("end to end, one process", one.seconds),
        ("end to end, all cores", all_.seconds),
        ("the same file again", again.seconds),
        ("limit: bare COPY of the finished rows", bare),
    ):
        print(f"  {name:40} {CREDENTIALS / seconds:9,.0f} credentials/s   {seconds:7.1f} s")
    ratio = bare / all_.seconds
    print(f"  ratio to the bare COPY {ratio:22.2f}   aim: 0.5 {'reached' if ratio >= 0.5 else 'NOT reached'}")


def _memory(folder: Path) -> None:
    print(
        f"import-load: peak memory of the largest process, one line in a hundred ours, {PROCESSES} processes"
    )
    leak = folder / "large.txt"
    for size in SIZES_MB:
        _write(leak, size=size * 1_000_000, ours_every=100)
        run = _import(_tenant(f"{size} MB"), leak, PROCESSES)
        verdict = "under" if run.peak_mb < MEMORY_LIMIT_MB else "NOT under"
        print(
            f"  {size:6,} MB {run.peak_mb:8.0f} MB, {verdict} {MEMORY_LIMIT_MB}   {run.seconds:7.1f} s   "
            f"{size / run.seconds:6.0f} MB/s"
        )
    leak.unlink()


def _tenant(name: str) -> str:
    from emberwatch.accounts.actor import SYSTEM
    from emberwatch.core.clock import utc_now
    from emberwatch.tenants.services import create_tenant

    create_tenant(name, ["contoso.example"], actor=SYSTEM, now=utc_now())
    return name


def _import(tenant: str, leak: Path, processes: int) -> Run:
    command = [sys.executable, "-m", "emberwatch.cli.main", "import", tenant, str(leak)]
    measured = [sys.executable, "-c", _MEASURED, *command, "--processes", str(processes)]
    started = time.perf_counter()
    done = subprocess.run(measured, stdout=subprocess.PIPE, text=True, check=True)
    return Run(time.perf_counter() - started, int(done.stdout) / 1024)


def _bare_copy(folder: Path, tenant: str) -> float:
    from django.db import connection

    files = [folder / f"{table}.bin" for table in TABLES]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenants_tenant WHERE name = %s", [tenant])
        tenant_id = cursor.fetchone()[0]
        for table, file in zip(TABLES, files, strict=True):
            _copy_out(cursor, table, tenant_id, file)
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)")
        _same_foreign_keys(cursor)
        started = time.perf_counter()
        for table, file in zip(TABLES, files, strict=True):
            _copy_in(cursor, f"bare_{table}", file)
        seconds = time.perf_counter() - started
        for table in reversed(TABLES):
            cursor.execute(f"DROP TABLE bare_{table}")
    return seconds


def _same_foreign_keys(cursor: Any) -> None:
    """LIKE copies indexes and checks, but no foreign keys; what a row refers to is looked up in both."""
    for table in TABLES:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        )
        for (definition,) in cursor.fetchall():
            own = definition.replace(
                "REFERENCES exposures_credential", "REFERENCES bare_exposures_credential"
            )
            cursor.execute(f"ALTER TABLE bare_{table} ADD {own}")


def _copy_out(cursor: Any, table: str, tenant_id: object, file: Path) -> None:
    statement = (
        f"COPY (SELECT * FROM {table} WHERE tenant_id = '{tenant_id}' ORDER BY id) TO STDOUT (FORMAT BINARY)"  # noqa: S608
    )
    with file.open("wb") as out, cursor.copy(statement) as copy:
        for chunk in copy:
            out.write(chunk)


def _copy_in(cursor: Any, table: str, file: Path) -> None:
    with file.open("rb") as stored, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        while chunk := stored.read(1 << 20):
            copy.write(chunk)


def _write(path: Path, *, ours_every: int, lines: int = 0, size: int = 0) -> None:
    """A ULP file of so many lines, or of about that size; the foreign lines repeat, ours never do."""
    with path.open("w", buffering=1 << 22) as out:
        for chunk in _chunks(ours_every, lines):
            out.write(chunk)
            if size and out.tell() >= size:
                return


def _chunks(ours_every: int, lines: int) -> Iterator[str]:
    chance = random.Random(20_260_101)  # noqa: S311 - made-up data
    foreign = [_line(n, f"mail{chance.randrange(500)}.test", chance) for n in range(_CHUNK_LINES)]
    number = 0
    while not lines or number < lines:
        chunk = foreign[: min(_CHUNK_LINES, lines - number) if lines else _CHUNK_LINES]
        for at in range(0, len(chunk), ours_every):
            chunk[at] = _line(number + at, "contoso.example", chance)
        number += len(chunk)
        yield "".join(chunk)


def _line(number: int, domain: str, chance: random.Random) -> str:
    return f"https://site{number % 977}.test/login:user{number}@{domain}:Pw{chance.randrange(10**9)}x{number % 97}\n"
