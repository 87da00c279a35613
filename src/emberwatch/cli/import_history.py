"""``emberwatch imports``: what was imported, and taking it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.output import AsJson, moment, print_json, print_table
from emberwatch.cli.start import start

if TYPE_CHECKING:
    from emberwatch.ingestion.models import Import

app = typer.Typer(help="What was imported, and taking it back.", rich_markup_mode=None)

_COLUMNS: Final = ("File", "State", "Read", "New", "Duplicate", "Rejected", "Requested", "Id")
TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]
ImportId = Annotated[str, typer.Argument(help="The import's id.")]


@app.command("list")
def list_imports(tenant: TenantName, as_json: AsJson = False) -> None:
    """List the newest imports of a tenant."""
    start()
    from emberwatch.cli import records
    from emberwatch.ingestion.queries import newest_imports
    from emberwatch.tenants.queries import tenant_by_name

    rows = newest_imports(tenant_by_name(tenant), limit=200)
    if as_json:
        print_json(records.leak_import(row) for row in rows)
    else:
        print_table(_COLUMNS, (_cells(row) for row in rows))


def _cells(row: Import) -> tuple[str, ...]:
    counts = (f"{number:,}" for number in (row.read, row.matched_new, row.duplicate, row.rejected))
    return (row.file_name, row.get_state_display(), *counts, moment(row.requested_at), str(row.id))


@app.command()
def undo(tenant: TenantName, import_id: ImportId, as_json: AsJson = False) -> None:
    """Remove what only this import brought; stops it first when it is running."""
    found = _found(tenant, import_id)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.ingestion.undoing import request_undo, run_undo

    request_undo(found, actor=command_line_actor(), now=utc_now())
    run_undo(found.pk)
    found.refresh_from_db()
    _say(found, as_json, f"{found.file_name}: removed {_told(found.undone)}.")


@app.command()
def retry(tenant: TenantName, import_id: ImportId, as_json: AsJson = False) -> None:
    """Go on with an import that failed; what was read stays."""
    found = _found(tenant, import_id)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.ingestion.running import run_import
    from emberwatch.ingestion.services import retry_import

    retry_import(found, actor=command_line_actor(), now=utc_now())
    run_import(found.pk)
    found.refresh_from_db()
    _say(found, as_json, f"{found.file_name}: {found.get_state_display()}. {found.error}".strip())


def _found(tenant: str, import_id: str) -> Import:
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.ingestion.queries import access_import
    from emberwatch.tenants.queries import tenant_by_name

    return access_import(command_line_actor(), tenant_by_name(tenant).pk, import_id)


def _say(found: Import, as_json: bool, sentence: str) -> None:
    from emberwatch.cli import records

    if as_json:
        print_json([records.leak_import(found)])
    else:
        typer.echo(sentence)


def _told(undone: dict[str, int]) -> str:
    credentials, sightings = undone.get("credentials", 0), undone.get("sightings", 0)
    kept = undone.get("kept_for_history", 0)
    cookies = f", {undone['cookies']:,} cookies" if undone.get("cookies") else ""
    told = f"{sightings:,} sightings{cookies} and {credentials:,} credentials"
    return f"{told}; {kept:,} credentials stay, as they carry a history" if kept else told
