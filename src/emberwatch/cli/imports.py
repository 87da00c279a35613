"""``emberwatch import``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.cli.output import AsJson, print_json, print_table, visible
from emberwatch.cli.start import start
from emberwatch.core.errors import BadInput

if TYPE_CHECKING:
    from emberwatch.ingestion.models import Import
    from emberwatch.ingestion.services import ImportOptions
    from emberwatch.tenants.models import Tenant

AUTO: Final = "auto"
_COUNTS: Final = ("read", "foreign", "matched_new", "duplicate", "rejected")
_COLUMNS: Final = ("File", "Read", "= foreign", "+ new", "+ duplicate", "+ rejected", "State")


def import_leaks(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    path: Annotated[list[Path], typer.Argument(help="Files, or folders whose files are all imported.")],
    format: Annotated[str, typer.Option(help="auto, stealer, ulp or combo.")] = AUTO,  # noqa: A002 - its public name
    source_kind: Annotated[str, typer.Option(help="stealer_log, ulp, combo_list, breach or feed.")] = "",
    source_name: Annotated[str, typer.Option(help="What the leak is called.")] = "",
    leaked_at: Annotated[str, typer.Option(help="When it leaked, such as 2026-01-31.")] = "",
    as_json: AsJson = False,
) -> None:
    """Import leaked data: keep what belongs to the tenant's domains, count everything."""
    files = list(_files(path))
    date = _date(leaked_at)
    start()
    from emberwatch.ingestion.services import ImportOptions
    from emberwatch.tenants.queries import tenant_by_name

    options = ImportOptions("" if format == AUTO else format, source_kind, source_name, date)
    done = list(_imported(tenant_by_name(tenant), files, options))
    _show(done, as_json)
    if any(row.state != "done" for row in done):
        raise typer.Exit(EXIT_FAILED)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        if not found:
            raise BadInput(f"{path} holds no file.")
        for file in found:
            if not file.is_file():
                raise BadInput(f"There is no file {file}.")
            if not os.access(file, os.R_OK):
                raise BadInput(f"{file} cannot be read by this user.")
            yield file


def _date(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput("--leaked-at needs a date such as 2026-01-31.", field="leaked_at") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _imported(tenant: Tenant, files: Sequence[Path], options: ImportOptions) -> Iterator[Import]:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.ingestion.services import import_file

    with _progress(files) as bar:
        for file in files:
            yield import_file(tenant, file, options, actor=command_line_actor(), progress=bar.entries)
            bar.finished(file)


class _Bar:
    """Bytes of finished files against all of them, and the entries read so far; silent off a terminal."""

    def __init__(self) -> None:
        self._before = self._current = 0

    def entries(self, entries_read: int) -> None:
        self._current = entries_read
        self.show()

    def finished(self, file: Path) -> None:
        self._before += self._current
        self._current = 0
        self.advance(file.stat().st_size)

    @property
    def total_entries(self) -> int:
        return self._before + self._current

    def show(self) -> None:
        """Draws nothing here."""

    def advance(self, size: int) -> None:
        """Draws nothing here."""


@contextmanager
def _progress(files: Sequence[Path]) -> Iterator[_Bar]:
    if not sys.stderr.isatty():
        yield _Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[entries]:,} entries"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task("import", total=sum(file.stat().st_size for file in files), entries=0)

        class Drawn(_Bar):
            def show(self) -> None:
                drawn.update(task, entries=self.total_entries)

            def advance(self, size: int) -> None:
                drawn.update(task, advance=size, entries=self.total_entries)

        yield Drawn()


def _show(done: Sequence[Import], as_json: bool) -> None:
    from emberwatch.cli import records

    if as_json:
        print_json(records.leak_import(row) for row in done)
        return
    print_table(_COLUMNS, (_cells(row) for row in done))
    for row in done:
        for part in row.skipped_parts:
            typer.echo(f"not read: {visible(part['name'])}: {part['reason']}")
        if row.error:
            typer.echo(f"emberwatch: {visible(row.file_name)}: {row.error}", err=True)


def _cells(row: Import) -> tuple[str, ...]:
    return (row.file_name, *(f"{getattr(row, name):,}" for name in _COUNTS), row.get_state_display())
