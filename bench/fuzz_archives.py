"""Coverage-guided fuzzing of everything that opens containers: ``python -m bench.fuzz_archives [RUNS] [SECONDS]``.

Needs ``pip install atheris`` (Linux). Small sound archives of every kind are mutated, and each mutant is walked through
and parsed in one process, with small limits. Allowed are the product's own reasons alone; no file may come into being
outside the work folder, nothing may be left in it, and the limits must hold. A native crash of a library ends that
process: it is counted, its input kept, and fuzzing goes on. The mutants that reached new code, and what crashed, are
then read by the product's own reader, whose child process opens them, each with a sound archive behind it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.fuzz_archive_seeds import PASSWORDS, SOUND, SOUND_SECRET, seeds
from emberwatch.core.secret import Secret
from emberwatch.parsing.base import ParsedCredential
from emberwatch.sources.base import SkipReason
from emberwatch.sources.events import PartFinished, PartSkipped, ReadRequest
from emberwatch.sources.leaks import LeakReader

RUNS: Final = 10_000
SECONDS: Final = 1200
_MOST_CRASHES: Final = 20
_MOST_READ: Final = 1_000
_LONGEST: Final = 16 * 1024
_DONE: Final = re.compile(rb"stat::number_of_executed_units:\s+(\d+)")
_BEGUN: Final = re.compile(rb"#(\d+)")
_PRODUCT: Final = frozenset(SkipReason)


def main(arguments: list[str]) -> None:
    runs, seconds = ([int(text) for text in arguments] + [RUNS, SECONDS][len(arguments) :])[:2]
    folder = Path(tempfile.mkdtemp(prefix="emberwatch-fuzz-"))
    kept, crashes = folder / "kept", folder / "crashes"
    for each in (kept, crashes):
        each.mkdir()
    for name, data in seeds():
        (kept / f"seed-{name.replace(' ', '-')}").write_bytes(data)
    done = _fuzzed(kept, crashes, runs, seconds)
    found = sorted(crashes.iterdir())
    print(f"{done:,} mutants of {len(list(seeds()))} archives; {len(found)} ended the process")
    _read_by_the_product([*found, *sorted(kept.iterdir())][:_MOST_READ])
    shutil.rmtree(kept if found else folder)
    if found:
        sys.exit(f"What ended the process is in {crashes}.")


def _fuzzed(kept: Path, crashes: Path, runs: int, seconds: int) -> int:
    """Fuzzes in processes of their own until there were so many runs; each may end in a crash."""
    done = 0
    while done < runs and len(list(crashes.iterdir())) < _MOST_CRASHES:
        before = len(list(crashes.iterdir()))
        command = [sys.executable, "-m", "bench.fuzz_archives_inside", str(kept), f"-runs={runs - done}"]
        command += [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", "-timeout=60", "-rss_limit_mb=3072"]
        command += ["-print_final_stats=1", f"-artifact_prefix={crashes}/"]
        told = subprocess.run(command, capture_output=True, check=False)
        number = int((_DONE.findall(told.stderr) or _BEGUN.findall(told.stderr) or [b"0"])[-1])
        done += number
        if told.returncode == 0 or not number:
            if told.returncode:
                sys.exit(told.stderr.decode(errors="replace")[-4000:])
            break
        if len(list(crashes.iterdir())) > before:
            print(_last_words(told.stdout + told.stderr))
    return done


def _last_words(told: bytes) -> str:
    """The exception that nobody took, or the native crash."""
    text = told.decode(errors="replace")
    _, mark, raised = text.partition("Uncaught Python exception")
    return "\n".join((raised if mark else text[text.find("ERROR:") :]).splitlines()[:20])


def _read_by_the_product(paths: list[Path]) -> None:
    """Through the real child process; the sound archive behind each must be read whatever came before it."""
    request = ReadRequest(watched=("contoso.example",), passwords=tuple(map(Secret, PASSWORDS)))
    reasons: Counter[str] = Counter()
    sound = 0
    with LeakReader(request) as reader:
        for path in paths:
            reasons.update(_fates(reader, path))
            secrets = [e.secret.expose() for e in reader.read(SOUND()) if isinstance(e, ParsedCredential)]
            sound += secrets == [SOUND_SECRET]
    print(
        f"{len(paths)} of them read in a child process; the sound archive behind each was read {sound} times"
    )
    for reason, number in reasons.most_common():
        print(f"  {reason:<26}{number:>7}")
    if sound != len(paths):
        sys.exit("A mutant kept another file from being read.")


def _fates(reader: LeakReader, path: Path) -> Iterator[str]:
    for event in reader.read(path):
        if isinstance(event, PartSkipped) or (isinstance(event, PartFinished) and event.cut):
            reason = event.reason if isinstance(event, PartSkipped) else event.cut
            yield str(reason) if reason in _PRODUCT else "NO REASON OF OURS"
        elif isinstance(event, PartFinished):
            yield "read to its end"


if __name__ == "__main__":
    main(sys.argv[1:])
