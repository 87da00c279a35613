"""What ``emberwatch scan`` does: plan, scan, write, count."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from emberwatch.cli.scan_output import Output, open_output
from emberwatch.cli.scan_progress import Show, progress
from emberwatch.cli.scan_records import render
from emberwatch.cli.scan_totals import Totals
from emberwatch.cli.terminal import visible
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.matching.prefilter import Prefilter
from emberwatch.matching.watchlist import Watchlist, parse_watchlist
from emberwatch.sources.scan.alone import MakeWorker, Told, Working, run_alone
from emberwatch.sources.scan.cache import cached_prefilter
from emberwatch.sources.scan.targets import Met, Target, targets_of
from emberwatch.sources.scan.tasks import Advanced, Done, Rows, tasks_of
from emberwatch.sources.scan.work import Worker

_WORTH_SHARING: Final = 64 * 1024 * 1024
"""With less to read, starting further processes takes longer than it saves."""
_SAMPLE_FROM: Final = 64 * 1024 * 1024
_SAMPLES: Final = 32
_SAMPLE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What was typed."""

    paths: Sequence[Path]
    domains: Path
    output: Path | None = None
    archive_passwords: Path | None = None
    processes: int | None = None


def run_scan(request: ScanRequest) -> bool:
    """Whether everything could be read."""
    started = time.monotonic()
    watched = parse_watchlist(_text_lines(request.domains, "domains"))
    passwords = [Secret(line) for line in _text_lines(request.archive_passwords, "archive_passwords") if line]
    totals = Totals()
    with open_output(request.output) as writer:
        met = list(targets_of(request.paths, writer.found))
        try:
            _scan(_Plan(watched, met, passwords, request.processes), writer, totals)
        finally:
            _print(totals, time.monotonic() - started)
    return not totals.failed


@dataclass(frozen=True, slots=True)
class _Plan:
    watched: Watchlist
    met: list[Met]
    passwords: list[Secret]
    wanted: int | None

    @property
    def size(self) -> int:
        return sum(each.size for each in self.met if isinstance(each, Target))

    @property
    def processes(self) -> int:
        if self.wanted is not None:
            return self.wanted
        return len(os.sched_getaffinity(0)) if self.size >= _WORTH_SHARING else 1

    def make_worker(self, prefilter: Prefilter) -> Working:
        return Worker(self.watched, prefilter, render, self.passwords)


def _scan(plan: _Plan, writer: Output, totals: Totals) -> None:
    make = partial(plan.make_worker, _prefilter(plan))
    with progress(plan.size) as show:
        shift = 0
        for task, message in _run(plan, make):
            continues = task is not None and task.continues
            if isinstance(message, Rows):
                writer.write(message.origin, message.rows, shift if continues else 0)
            elif isinstance(message, Advanced):
                totals.done_bytes += message.bytes
            else:
                shift = (shift if continues else 0) + message.tally.lines
                _note(totals, message, continues, show)


def _run(plan: _Plan, make: MakeWorker) -> Iterator[Told]:
    tasks = tasks_of(plan.met)
    if plan.processes < 2:
        return run_alone(tasks, make)
    from emberwatch.sources.scan.pool import run_together

    return run_together(tasks, make, plan.processes)


def _note(totals: Totals, done: Done, continues: bool, show: Show) -> None:
    totals.add(done, continues=continues)
    show(totals.done_bytes, totals.found)


def _prefilter(plan: _Plan) -> Prefilter:
    """Made for the list, and corrected where a part of a name turns out to be common in the largest file."""
    prefilter = cached_prefilter(plan.watched, _cache_folder)
    common = prefilter.common(_samples(plan.met))
    return cached_prefilter(plan.watched, _cache_folder, common) if common else prefilter


def _samples(met: Sequence[Met]) -> Iterator[bytes]:
    files = [each for each in met if isinstance(each, Target) and each.size >= _SAMPLE_FROM]
    largest = max(files, key=lambda target: target.size, default=None)
    if largest is None or largest.path is None:
        return
    try:
        descriptor = os.open(largest.path, os.O_RDONLY)
    except OSError:
        return
    try:
        for number in range(_SAMPLES):
            yield os.pread(descriptor, _SAMPLE, largest.size * number // _SAMPLES)
    finally:
        os.close(descriptor)


def _cache_folder() -> Path | None:
    import platformdirs

    try:
        return Path(platformdirs.user_cache_dir("emberwatch", appauthor=False)) / "prefilters"
    except (OSError, RuntimeError):
        return None


def _text_lines(path: Path | None, field: str) -> list[str]:
    if path is None:
        return []
    try:
        return [line.removesuffix("\r") for line in path.read_text("utf-8-sig").split("\n")]
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", field=field) from None
    except UnicodeDecodeError as error:
        number = error.object.count(b"\n", 0, error.start) + 1
        raise BadInput(f"Line {number} of {path} is not UTF-8.", field=field) from None


def _print(totals: Totals, seconds: float) -> None:
    for failed in totals.failed:
        print(f"emberwatch: {visible(failed.name)}: {failed.reason}", file=sys.stderr)  # noqa: T201 - the command
    for line in totals.lines(seconds):
        print(line, file=sys.stderr)  # noqa: T201 - the command's last words
