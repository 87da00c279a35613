"""``emberwatch scan`` beside the fastest greps, on one large file; and beside a public parser of stealer logs.

Whole processes are measured, start-up included, one after the other in rounds, with the file in the page cache. The
greps only print lines; the scan parses them. The limit beside all of them is reading the file and nothing else.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.scan_corpus import Corpus, make_corpus

SIZE: Final = int(os.environ.get("EMBERWATCH_BENCH_BYTES", "1600000000"))
ROUNDS: Final = 3
LISTS: Final = (1, 100, 10_000)
PATIENCE: Final = 120
"""Seconds that a grep is given."""
_AIM: Final = {1: 1.0, 100: 4.0, 10_000: 4.0}
_TWO: Final = 1.6


def scan() -> None:
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-bench-"))
    try:
        corpus = make_corpus(folder, SIZE, max(LISTS))
        size = corpus.file.stat().st_size
        print(
            f"scan: {size / 1e9:.2f} GB, warm cache, medians of {ROUNDS} interleaved rounds, start-up included"
        )
        for number in LISTS:
            _compare(folder, corpus, number, size)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compare(folder: Path, corpus: Corpus, number: int, size: int) -> None:
    listed, patterns = folder / "domains", folder / "patterns"
    domains = corpus.domains[:number]
    listed.write_text("".join(f"{domain}\n" for domain in domains))
    patterns.write_text("".join(f"{sign}{domain}\n" for domain in domains for sign in "@./"))
    rows: dict[str, Callable[[], float | None]] = {
        "plain read": lambda: _read(corpus.file),
        "scan, 1 process": lambda: _scan(folder, corpus.file, 1),
        "scan, 2 processes": lambda: _scan(folder, corpus.file, 2),
    }
    for name, command in (("rg", "rg"), ("GNU grep", "grep")):
        if shutil.which(command) is None:
            print(f"  {name} is not installed: no comparison with it")
        else:
            rows[name] = _peer(folder, command, corpus.file)
    _print(number, size, _rounds(rows))


def _rounds(rows: dict[str, Callable[[], float | None]]) -> dict[str, float | None]:
    """The median of each row; who did not finish once is not asked again."""
    times: dict[str, list[float]] = {name: [] for name in rows}
    lost: set[str] = set()
    for _ in range(ROUNDS):
        for name, run in rows.items():
            if name not in lost and (taken := run()) is not None:
                times[name].append(taken)
            else:
                lost.add(name)
    return {name: None if name in lost else statistics.median(times[name]) for name in rows}


def _read(file: Path) -> float:
    started = time.perf_counter()
    buffer = bytearray(128 * 1024)
    with file.open("rb", buffering=0) as opened:
        while opened.readinto(buffer):
            pass
    return time.perf_counter() - started


def _scan(folder: Path, file: Path, processes: int) -> float:
    command = [str(Path(sys.executable).with_name("emberwatch")), "scan", str(file), "--domains"]
    options = [
        str(folder / "domains"),
        "--output",
        str(folder / "found.jsonl"),
        "--processes",
        str(processes),
    ]
    taken = _timed([*command, *options], folder, PATIENCE)
    if taken is None:
        raise SystemExit("The scan did not finish.")
    return taken


def _peer(folder: Path, command: str, file: Path) -> Callable[[], float | None]:
    # -a: without it a single NUL byte makes both of them give up the rest of the file.
    line = [command, "-a", "-F", "-i", "-f", str(folder / "patterns"), str(file)]
    return lambda: _timed(line, folder, PATIENCE)


def _timed(command: Sequence[str], folder: Path, patience: float) -> float | None:
    # Into a file: a grep whose output is /dev/null stops at its first line.
    with (folder / "printed").open("wb") as printed:
        started = time.perf_counter()
        try:
            subprocess.run(command, stdout=printed, stderr=subprocess.DEVNULL, timeout=patience, check=True)
        except subprocess.TimeoutExpired:
            return None
    return time.perf_counter() - started


def _print(number: int, size: int, medians: dict[str, float | None]) -> None:
    print(f"  {number:,} domain{'s' if number > 1 else ''}")
    for name, taken in medians.items():
        told = (
            f"did not finish in {PATIENCE} s"
            if taken is None
            else f"{taken:7.2f} s {size / taken / 1e6:8,.0f} MB/s"
        )
        print(f"    {name:<20}{told}")
    one, two = medians["scan, 1 process"], medians["scan, 2 processes"]
    peers = [taken or float(PATIENCE) for name, taken in medians.items() if name in ("rg", "GNU grep")]
    if one is None or two is None:
        return
    if peers:
        ratio, aim = min(peers) / one, _AIM[number]
        at_least = "" if any(medians.get(name) for name in ("rg", "GNU grep")) else "at least "
        print(f"    to the faster grep {at_least}{ratio:.2f}x, aim {aim:.0f}x: {_reached(ratio >= aim)}")
    if number <= 100:
        print(f"    two processes to one {one / two:.2f}x, aim {_TWO}x: {_reached(one / two >= _TWO)}")


def _reached(is_it: bool) -> str:
    return "reached" if is_it else "NOT reached"
