"""``emberwatch import --preview``: what the columns of a table are taken for, before anything is read in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

from emberwatch.cli.output import print_json, print_table, visible

if TYPE_CHECKING:
    from emberwatch.ingestion.services import ImportOptions
    from emberwatch.parsing.columns import ColumnMap
    from emberwatch.tenants.models import Tenant

_COLUMNS: Final = ("Column", "Taken for", "First values, masked")


def show_columns(tenant: Tenant, files: Sequence[str], options: ImportOptions, as_json: bool) -> None:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.ingestion.columns import columns_at

    for file in files:
        found = columns_at(tenant, file, options.format, actor=command_line_actor())
        found = found.corrected(options.columns) if options.columns else found
        if as_json:
            print_json([{"file": file, "usable": found.usable} | found.as_dict()])
        else:
            _show(file, found)


def _show(file: str, found: ColumnMap) -> None:
    typer.echo(f"{visible(file)}:")
    print_table(_COLUMNS, ((c.name, c.role.value, "  ".join(c.samples)) for c in found.columns))
    if not found.usable:
        typer.echo("No row would be a credential: name a login and a password with --columns.")
    typer.echo(f"--columns {','.join(c.role.value if c.role != 'ignored' else '-' for c in found.columns)}\n")
