"""An archive of a thousand stealer logs: scanned for one domain, and for all logins, beside a public parser.

The public one is lexfo/stealer-parser, which is on no package index: clone it from GitHub with its submodule, install
it into an environment of its own with ``pip install .``, and put its command ``stealer_parser`` on the path, or name it
in ``EMBERWATCH_BENCH_STEALER_PARSER``. Without it the scan stands beside unpacking the archive alone.

Whole processes are measured, start-up included, in turns. Processor time stands beside the time on the clock: on a
machine that has other things to do as well, it is the steadier of the two. Then both are judged by what really stands
in the archive, and in the dialects of the corpus whose keys both know.
"""

from __future__ import annotations

import compileall
import random
import shutil
import statistics
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import emberwatch
from bench.log_parsers import (
    VARIABLE,
    Taken,
    found_by_peer,
    found_by_scan,
    peer,
    run_peer,
    scan,
)
from bench.stealer_logs import SITES, Found, write_archive
from emberwatch.parsing.urls import without_password
from tests.corpus.dialects import DIALECTS, Dialect
from tests.corpus.generator import leak_file
from tests.corpus.people import People
from tests.corpus.truth import DOMAINS

VICTIMS: Final = 1_000
CREDENTIALS: Final = 71
ROUNDS: Final = 3
AIM: Final = 10.0
_ENTRIES: Final = 500
_EVERY_SITE: Final = [f"site{number}.test" for number in range(SITES)]
_BOTH: Final = frozenset(
    {
        *(
            "redline",
            "raccoon1",
            "vidar",
            "lumma",
            "stealc",
            "risepro",
            "aurora",
            "mystic",
            "cryptbot",
            "leet",
        ),
        *("rhadamanthys", "logins", "dashed", "inner-blank", "no-separator", "quoted-browser", "indented"),
        *("url-last", "password-before-login"),
    }
)
"""Dialects whose keys the public parser knows too."""
_OWN: Final = "scan, one login in two hundred"
_ALL: Final = "scan, every login"
_PEER: Final = "public parser"


def scan_archive() -> None:
    # As an installed package has it: otherwise each start would compile the sources first.
    compileall.compile_dir(Path(emberwatch.__file__).parent, quiet=2)
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-bench-"))
    try:
        archive = folder / "logs.zip"
        truth = write_archive(archive, VICTIMS, CREDENTIALS)
        print(f"scan-archive: {VICTIMS:,} victims, {len(truth):,} credentials, medians of {ROUNDS} rounds")
        medians = _medians(_rows(folder, archive))
        for name, taken in medians.items():
            print(f"  {name:<40}{taken.wall:6.2f} s {taken.cpu:6.2f} s of processors")
        _print_exactness(f"of all {len(truth):,}", truth, folder)
        _print_ratio(medians)
        _dialects(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rows(folder: Path, archive: Path) -> Mapping[str, Callable[[], Taken]]:
    rows = {
        "unpack every file, and nothing else": lambda: _unpack(archive),
        _OWN: lambda: scan(archive, ["contoso.example"], folder / "few.jsonl"),
        _ALL: lambda: scan(archive, _EVERY_SITE, folder / "scan.jsonl"),
    }
    if (command := peer()) is not None:
        rows[_PEER] = lambda: run_peer(command, archive, folder / "peer.json")
    return rows


def _medians(rows: Mapping[str, Callable[[], Taken]]) -> Mapping[str, Taken]:
    times: dict[str, list[Taken]] = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, run in rows.items():
            times[name].append(run())
    return {name: Taken(*map(statistics.median, zip(*each, strict=True))) for name, each in times.items()}


def _unpack(file: Path) -> Taken:
    started, used = time.perf_counter(), time.process_time()
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            archive.read(name)
    return Taken(time.perf_counter() - started, time.process_time() - used)


def _print_ratio(medians: Mapping[str, Taken]) -> None:
    if _PEER not in medians:
        print(f"  No public parser is installed ({VARIABLE} names one), so there is NO COMPARISON")
        return
    for name in (_OWN, _ALL):
        ratio = medians[_PEER].wall / medians[name].wall
        told = "reached" if ratio >= AIM else "NOT reached"
        print(f"  {name}: {ratio:.1f} times as fast as the public parser, aim {AIM:.0f}: {told}")


def _print_exactness(title: str, truth: Sequence[Found], folder: Path) -> None:
    told = [f"scan {_exact(truth, found_by_scan(folder / 'scan.jsonl')):.4f}"]
    if (folder / "peer.json").exists():
        told.append(f"public parser {_exact(truth, found_by_peer(folder / 'peer.json')):.4f}")
    print(f"  exact (url, login, password) {title}: {', '.join(told)}")


def _exact(truth: Iterable[Found], found: Iterable[Found]) -> float:
    """The share of what stands there that was found to the character."""
    wanted = Counter(truth)
    return (wanted & Counter(found)).total() / wanted.total()


def _dialects(folder: Path) -> None:
    """What each makes of passwords that are hard to read, in the dialects that both know."""
    both = [d for d in DIALECTS if d.name.startswith("stealer/") and d.name.partition("/")[2] in _BOTH]
    archive, truth = folder / "dialects.zip", list[Found]()
    people = People(random.Random(20_26))
    with zipfile.ZipFile(archive, "w") as made:
        for dialect in both:
            truth += _write(made, dialect, people)
    scan(archive, DOMAINS, folder / "scan.jsonl")
    if (command := peer()) is not None:
        run_peer(command, archive, folder / "peer.json")
    _print_exactness(f"of {len(truth):,} in {len(both)} dialects", truth, folder)


def _write(archive: zipfile.ZipFile, dialect: Dialect, people: People) -> list[Found]:
    leak = leak_file(dialect, "plain", people, _ENTRIES)
    archive.writestr(f"{dialect.name.replace('/', '_')}/Passwords.txt", leak.data)
    return [
        Found(without_password(entry.url), entry.login, entry.secret)
        for entry in leak.entries
        if entry.match is not None and entry.secret
    ]
