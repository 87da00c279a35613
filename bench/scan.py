"""``emberwatch scan`` beside the fastest greps, on one large file.

Whole processes are measured, start-up included, one after the other in rounds, with the file in the page cache. The
greps only print lines; the scan parses them. The limit beside all of them is reading the file and nothing else.
How fast a search for one name is depends on how rare its letters are, so several single domains are looked for, and
the least favourable one counts. Processor time stands beside the time on the clock: on a machine that has other
things to do as well, it is the steadier of the two.
"""

from __future__ import annotations

import compileall
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import emberwatch
from bench.scan_corpus import make_corpus

SIZE: Final = int(os.environ.get("EMBERWATCH_BENCH_BYTES", "1600000000"))
ROUNDS: Final = 3
SINGLE: Final = (0, 3, 5)
"""Which of the corpus's domains are looked for alone: a rare one, a short one, a long one."""
LONGER: Final = (100, 10_000)
PATIENCE: Final = 120
"""Seconds that a grep is given."""
PEERS: Final = {"rg": "rg", "GNU grep": "grep"}
_AIM: Final = {1: 1.0, 100: 4.0, 10_000: 4.0}
_TWO: Final = 1.6
_TWO_UP_TO: Final = 100


class Taken(NamedTuple):
    """Seconds on the clock, and of processors."""

    wall: float
    cpu: float


Run: TypeAlias = Callable[[], Taken | None]
Medians: TypeAlias = Mapping[str, Taken | None]


@dataclass(frozen=True, slots=True)
class Ratios:
    """How many times as fast as others."""

    peer: float | None
    two: float


def scan() -> None:
    # As an installed package has it: otherwise each start would compile the sources first.
    compileall.compile_dir(Path(emberwatch.__file__).parent, quiet=2)
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-bench-"))
    try:
        corpus = make_corpus(folder, SIZE, max(LONGER))
        size = corpus.file.stat().st_size
        print(
            f"scan: {size / 1e9:.2f} GB, warm cache, medians of {ROUNDS} interleaved rounds, start-up included;"
            f" load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        _print_peers()
        single = [_compare(folder, corpus.file, [corpus.domains[at]], size) for at in SINGLE]
        _print_verdict(1, single)
        for number in LONGER:
            _print_verdict(number, [_compare(folder, corpus.file, corpus.domains[:number], size)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _print_peers() -> None:
    for name, command in PEERS.items():
        path = shutil.which(command)
        if path is None:
            print(f"  {name} is NOT INSTALLED: there is no comparison with it")
        else:
            told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            print(f"  {name}: {told.partition(chr(10))[0]}")


def _compare(folder: Path, file: Path, domains: Sequence[str], size: int) -> Ratios:
    (folder / "domains").write_text("".join(f"{domain}\n" for domain in domains))
    patterns = folder / "patterns"
    patterns.write_text("".join(f"{sign}{domain}\n" for domain in domains for sign in "@./"))
    rows: dict[str, Run] = {
        "plain read": lambda: _read(file),
        "scan, 1 process": lambda: _scan(folder, file, 1),
        "scan, 2 processes": lambda: _scan(folder, file, 2),
    }
    rows |= {name: _peer(folder, path, file) for name, each in PEERS.items() if (path := shutil.which(each))}
    medians = _rounds(rows)
    _print_rows(
        f"{len(domains):,} domains" if len(domains) > 1 else f"1 domain ({domains[0]})", medians, size
    )
    return _ratios(medians)


def _rounds(rows: dict[str, Run]) -> Medians:
    """The median of each row; who did not finish once is not asked again."""
    times: dict[str, list[Taken]] = {name: [] for name in rows}
    lost: set[str] = set()
    for _ in range(ROUNDS):
        for name, run in rows.items():
            if name not in lost and (taken := run()) is not None:
                times[name].append(taken)
            else:
                lost.add(name)
    return {name: None if name in lost else _median(times[name]) for name in rows}


def _median(times: Sequence[Taken]) -> Taken:
    return Taken(
        statistics.median(each.wall for each in times), statistics.median(each.cpu for each in times)
    )


def _read(file: Path) -> Taken:
    started, used = time.perf_counter(), time.process_time()
    buffer = bytearray(128 * 1024)
    with file.open("rb", buffering=0) as opened:
        while opened.readinto(buffer):
            pass
    return Taken(time.perf_counter() - started, time.process_time() - used)


def _scan(folder: Path, file: Path, processes: int) -> Taken:
    command = [str(Path(sys.executable).with_name("emberwatch")), "scan", str(file)]
    command += ["--domains", str(folder / "domains"), "--output", str(folder / "found.jsonl")]
    taken = _timed([*command, "--processes", str(processes)], folder)
    if taken is None:
        raise SystemExit("The scan did not finish.")
    return taken


def _peer(folder: Path, path: str, file: Path) -> Run:
    # -a: without it a single NUL byte makes both of them give up the rest of the file.
    line = [path, "-a", "-F", "-i", "-f", str(folder / "patterns"), str(file)]
    return lambda: _timed(line, folder)


def _timed(command: Sequence[str], folder: Path) -> Taken | None:
    # Into a file: a grep whose output is /dev/null stops at its first line. In the C locale: it is faster there.
    before = os.times()
    with (folder / "printed").open("wb") as printed:
        started = time.perf_counter()
        try:
            subprocess.run(
                command,
                stdout=printed,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=True,
                env={**os.environ, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            return None
    wall, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Taken(wall, used)


def _print_rows(title: str, medians: Medians, size: int) -> None:
    print(f"  {title}")
    for name, taken in medians.items():
        told = (
            f"did not finish in {PATIENCE} s"
            if taken is None
            else f"{taken.wall:7.2f} s {size / taken.wall / 1e6:8,.0f} MB/s {taken.cpu:7.2f} s of processors"
        )
        print(f"    {name:<20}{told}")


def _ratios(medians: Medians) -> Ratios:
    one, two = medians["scan, 1 process"], medians["scan, 2 processes"]
    assert one is not None  # noqa: S101 - a scan that does not finish ends the benchmark
    assert two is not None  # noqa: S101
    peers = [taken.wall if taken else PATIENCE for name, taken in medians.items() if name in PEERS]
    return Ratios(min(peers) / one.wall if peers else None, one.wall / two.wall)


def _print_verdict(number: int, ratios: Sequence[Ratios]) -> None:
    peers = [each.peer for each in ratios if each.peer is not None]
    if peers:
        ratio, aim = min(peers), _AIM[number]
        print(
            f"    {number:,}: to the faster grep at least {ratio:.2f}x, aim {aim:.0f}x: {_reached(ratio >= aim)}"
        )
    else:
        print(f"    {number:,}: no grep is installed, so there is NO COMPARISON")
    if number <= _TWO_UP_TO:
        two = min(each.two for each in ratios)
        print(f"    {number:,}: two processes to one {two:.2f}x, aim {_TWO}x: {_reached(two >= _TWO)}")


def _reached(is_it: bool) -> str:
    return "reached" if is_it else "NOT reached"
