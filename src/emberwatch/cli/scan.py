"""``emberwatch scan``: no database, no settings, and none of the imports that those need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emberwatch.cli.failures import EXIT_FAILED


def scan(
    path: Annotated[list[Path], typer.Argument(help="Files, folders, or - for standard input.")],
    domains: Annotated[Path, typer.Option(help="A file that lists what to look for, one a line.")],
    output: Annotated[
        Path | None, typer.Option(help="Write findings here (mode 0600), not to standard output.")
    ] = None,
    archive_passwords: Annotated[
        Path | None, typer.Option(help="A file of passwords to try on protected archives, one a line.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=256, help="How many to use; as many as there are cores, without it.")
    ] = None,
) -> None:
    """Find and parse what belongs to your domains in leaked files, as JSON Lines. Needs no database."""
    from emberwatch.cli.scan_run import run_scan

    if not run_scan(path, domains, output, archive_passwords, processes):
        raise typer.Exit(EXIT_FAILED)
