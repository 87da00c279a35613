"""``emberwatch import``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Protocol

import typer

from emberwatch.cli.children import Child
from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.cli.import_preview import show_columns
from emberwatch.cli.output import AsJson, print_json, print_table, visible
from emberwatch.cli.start import start
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.parsing.columns import parse_roles

if TYPE_CHECKING:
    from emberwatch.ingestion.models import Import
    from emberwatch.ingestion.services import ImportOptions
    from emberwatch.tenants.models import Tenant

AUTO: Final = "auto"
LOOK_SECONDS: Final = 0.3
MOST_PROCESSES: Final = 8
_COUNTS: Final = ("read", "foreign", "matched_new", "duplicate", "rejected")
_COLUMNS: Final = ("File", "Read", "= foreign", "+ new", "+ duplicate", "+ rejected", "State")


class Show(Protocol):
    def __call__(self, position: int, entries_read: int) -> None:
        """Shows how many bytes of the present file and how many of its entries have been read."""


def import_leaks(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    path: Annotated[
        list[str], typer.Argument(help="Files, s3:// addresses, or folders with all their files.")
    ],
    format: Annotated[str, typer.Option(help="auto, or the name of one format.")] = AUTO,  # noqa: A002 - its public name
    source_kind: Annotated[str, typer.Option(help="stealer_log, ulp, combo_list, breach or feed.")] = "",
    source_name: Annotated[str, typer.Option(help="What the leak is called.")] = "",
    leaked_at: Annotated[str, typer.Option(help="When it leaked, such as 2026-01-31.")] = "",
    breached_at: Annotated[str, typer.Option(help="When the service was breached.")] = "",
    archive_passwords: Annotated[
        Path | None, typer.Option(help="A file with passwords to try on protected archives, one a line.")
    ] = None,
    columns: Annotated[
        str, typer.Option(help="What the columns of a table hold, such as login,password,-,url.")
    ] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what the columns of a table are taken for.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="How many processes read a large file; default: one a core.")
    ] = min(os.cpu_count() or 1, MOST_PROCESSES),
    as_json: AsJson = False,
) -> None:
    """Import leaked data: keep what belongs to the tenant, count everything.

    Given again after it was interrupted, the command goes on where it ended.
    """
    files = list(_files(path))
    dates = (_date(leaked_at, "--leaked-at"), _date(breached_at, "--breached-at"))
    passwords = _passwords(archive_passwords)
    roles = parse_roles(columns) if columns else ()
    start()
    from emberwatch.ingestion.locations import files_at, is_remote
    from emberwatch.ingestion.services import ImportOptions
    from emberwatch.tenants.queries import tenant_by_name

    files = [each for file in files for each in (files_at(file) if is_remote(file) else [file])]

    chosen = "" if format == AUTO else format
    options = ImportOptions(chosen, source_kind, source_name, *dates, passwords, roles)
    if preview:
        show_columns(tenant_by_name(tenant), files, options, as_json)
        return
    done = list(_imported(tenant_by_name(tenant), files, options, processes))
    _show(done, as_json)
    if any(row.state != "done" for row in done):
        raise typer.Exit(EXIT_FAILED)


def _files(paths: Sequence[str]) -> Iterator[str]:
    for text in paths:
        if "://" in text:
            yield text
            continue
        path = Path(text)
        found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        if not found:
            raise BadInput(f"{path} holds no file.")
        for file in found:
            if not file.is_file():
                raise BadInput(f"There is no file {file}.")
            if not os.access(file, os.R_OK):
                raise BadInput(f"{file} cannot be read by this user.")
            yield str(file)


def _date(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        field = option.removeprefix("--").replace("-", "_")
        raise BadInput(f"{option} needs a date such as 2026-01-31.", field=field) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _passwords(path: Path | None) -> tuple[Secret, ...]:
    if path is None:
        return ()
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{path} cannot be read as text.", field="archive_passwords") from None
    # Blanks may belong to a password; only the line's own end is taken away.
    return tuple(Secret(line.removesuffix("\r")) for line in lines if line.removesuffix("\r"))


def _imported(
    tenant: Tenant, files: Sequence[str], options: ImportOptions, processes: int
) -> Iterator[Import]:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.ingestion.locations import look_at
    from emberwatch.ingestion.queries import with_progress
    from emberwatch.ingestion.services import begin_file

    with _progress(sum(look_at(file).size for file in files)) as bar:
        for file in files:
            wanted = begin_file(tenant, file, options, actor=command_line_actor())
            _work(wanted, processes, bar.show)
            bar.finished(wanted.size)
            with_progress([wanted])
            yield wanted


def _work(wanted: Import, processes: int, show: Show) -> None:
    """Reads all pieces, in this process when there is but one, and waits for what other workers hold."""
    from emberwatch.ingestion.running import run_open_pieces

    pieces = wanted.pieces.count()
    if pieces > 1 and processes > 1:
        _work_in_children(wanted, min(processes, pieces), show)
    # Also what a child left behind that somebody killed, and what a worker holds until it is done or dead.
    while not run_open_pieces(wanted.pk, progress=show):
        time.sleep(LOOK_SECONDS)
    wanted.refresh_from_db()


def _work_in_children(wanted: Import, processes: int, show: Show) -> None:
    from emberwatch.ingestion.queries import progress_of

    with ExitStack() as running:
        children = [
            running.enter_context(Child(str(wanted.pk), module="emberwatch.cli.import_pieces"))
            for _ in range(processes)
        ]
        while not all(child.has_ended() for child in children):
            time.sleep(LOOK_SECONDS)
            found = progress_of(wanted)
            show(found.position, found.counts.read)


class _Bar:
    """Bytes and entries that have been read, of all files; silent off a terminal."""

    def __init__(self) -> None:
        self._bytes = self._entries = self._current = 0

    def show(self, position: int, entries_read: int) -> None:
        self._current = entries_read
        self.draw(self._bytes + position, self._entries + entries_read)

    def finished(self, size: int) -> None:
        self._bytes += size
        self._entries += self._current
        self.draw(self._bytes, self._entries)

    def draw(self, position: int, entries: int) -> None:
        """Draws nothing here."""


@contextmanager
def _progress(size: int) -> Iterator[_Bar]:
    if not sys.stderr.isatty():
        yield _Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Speed

    columns = (BarColumn(), DownloadColumn(), Speed(), TextColumn("{task.fields[entries]:,} entries"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task("import", total=size, entries=0)

        class Drawn(_Bar):
            def draw(self, position: int, entries: int) -> None:
                drawn.update(task, completed=position, entries=entries)

        yield Drawn()


def _show(done: Sequence[Import], as_json: bool) -> None:
    from emberwatch.cli import records

    if as_json:
        print_json(records.leak_import(row) for row in done)
        return
    print_table(_COLUMNS, (_cells(row) for row in done))
    for row in done:
        if row.cookies.get("read"):
            typer.echo(f"{visible(row.file_name)}: cookies: {_told(row.cookies)}")
        for part in row.skipped_parts:
            typer.echo(f"not read: {visible(part['name'])}: {part['reason']}")
        if row.error:
            typer.echo(f"emberwatch: {visible(row.file_name)}: {row.error}", err=True)


def _told(counts: Mapping[str, int]) -> str:
    rest = " + ".join(f"{counts[name]:,} {name.removeprefix('matched_')}" for name in _COUNTS[1:])
    return f"{counts['read']:,} read = {rest}"


def _cells(row: Import) -> tuple[str, ...]:
    return (row.file_name, *(f"{getattr(row, name):,}" for name in _COUNTS), row.get_state_display())
