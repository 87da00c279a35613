"""The two that read an archive of stealer logs: ``emberwatch scan``, and a public parser where one is installed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.stealer_logs import Found

VARIABLE: Final = "EMBERWATCH_BENCH_STEALER_PARSER"
_COMMAND: Final = "stealer_parser"


class Taken(NamedTuple):
    """Seconds on the clock, and of processors."""

    wall: float
    cpu: float


def peer() -> list[str] | None:
    """How the public parser is called here."""
    if named := os.environ.get(VARIABLE):
        return shlex.split(named)
    path = shutil.which(_COMMAND)
    return [path] if path else None


def scan(archive: Path, domains: Sequence[str], output: Path) -> Taken:
    listed = output.with_suffix(".domains")
    listed.write_text("\n".join(domains))
    command = [str(Path(sys.executable).with_name("emberwatch")), "scan", str(archive)]
    return _timed([*command, "--domains", str(listed), "--output", str(output), "--processes", "1"])


def run_peer(command: Sequence[str], archive: Path, output: Path) -> Taken:
    return _timed([*command, "-o", str(output), str(archive)])


def _timed(command: Sequence[str]) -> Taken:
    # In a folder that goes away: the public parser puts what it cannot read beside where it runs.
    with tempfile.TemporaryDirectory(prefix="emberwatch-bench-") as folder:
        started, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        wall, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Taken(wall, used)


def found_by_scan(output: Path) -> Iterator[Found]:
    with output.open() as lines:
        for row in map(json.loads, lines):
            yield Found(row["url"], row["login"], row["password"])


def found_by_peer(output: Path) -> Iterator[Found]:
    for system in json.loads(output.read_text())["systems_data"]:
        for row in system["credentials"]:
            yield Found(row["host"] or "", row["username"] or "", row["password"] or "")
