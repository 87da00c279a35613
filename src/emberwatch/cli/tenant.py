"""``emberwatch tenant``."""

from __future__ import annotations

from typing import Annotated

import typer

from emberwatch.cli.output import AsJson, print_json, print_table
from emberwatch.cli.start import start

app = typer.Typer(help="Workspaces and the domains that they monitor.", rich_markup_mode=None)


@app.command()
def create(
    name: str,
    domain: Annotated[list[str], typer.Option(help="A domain that the tenant monitors; may be repeated.")],
    as_json: AsJson = False,
) -> None:
    """Make a tenant."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.cli import records
    from emberwatch.core.clock import utc_now
    from emberwatch.tenants.services import create_tenant

    made = create_tenant(name, domain, actor=command_line_actor(), now=utc_now())
    if as_json:
        print_json([records.tenant(made)])
    else:
        typer.echo(f"Tenant {made.name} ({made.id}) monitors {', '.join(records.tenant(made)['domains'])}.")


@app.command("list")
def list_tenants(as_json: AsJson = False) -> None:
    """List the tenants."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.cli import records
    from emberwatch.tenants.queries import visible_tenants

    rows = [records.tenant(row) for row in visible_tenants(command_line_actor())]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(
            ("Name", "Id", "Domains"), [(r["name"], str(r["id"]), ", ".join(r["domains"])) for r in rows]
        )
    else:
        typer.echo("There is no tenant yet. Make one: emberwatch tenant create NAME --domain DOMAIN")
