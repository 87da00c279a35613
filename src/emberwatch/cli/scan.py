"""``emberwatch scan``: its arguments. No database, no settings, and none of the imports that those need."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.core.errors import BadInput

SUMMARY: Final = (
    "Find and parse what belongs to your domains in leaked files, as JSON Lines. Needs no database."
)
_MOST_PROCESSES: Final = 256


def scan(given: Sequence[str]) -> int:
    """Runs the command and returns its exit code."""
    gc.disable()  # What starting makes is there to stay.
    arguments = parser().parse_args(given)
    from emberwatch.cli.scan_run import ScanRequest, run_scan

    gc.freeze()
    gc.enable()

    request = ScanRequest(
        paths=arguments.path,
        domains=arguments.domains,
        output=arguments.output,
        archive_passwords=arguments.archive_passwords,
        processes=arguments.processes,
    )
    return 0 if run_scan(request) else EXIT_FAILED


def parser() -> argparse.ArgumentParser:
    line = _Parser(prog="emberwatch scan", description=SUMMARY, allow_abbrev=False)
    line.add_argument("path", type=Path, nargs="+", help="files, folders, or - for standard input")
    line.add_argument(
        "--domains", type=Path, metavar="FILE", required=True, help="what to look for, one a line"
    )
    line.add_argument(
        "--output", type=Path, metavar="FILE", help="write findings here (mode 0600), not to standard output"
    )
    line.add_argument(
        "--archive-passwords", type=Path, metavar="FILE", help="to try on protected archives, one a line"
    )
    line.add_argument(
        "--processes", type=_number, metavar="N", help="how many to use; without it one for each core"
    )
    return line


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message[:1].upper()}{message[1:]}.", remedy=f"`{self.prog} --help` explains.")


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and {_MOST_PROCESSES}")
    return number
