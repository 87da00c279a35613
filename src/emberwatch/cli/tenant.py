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


@app.command()
def watch(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    address: Annotated[list[str] | None, typer.Option(help="A single login; may be repeated.")] = None,
    login_host: Annotated[list[str] | None, typer.Option(help="A host of its own; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Replace the single addresses and login hosts that are watched beside the domains."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.cli import records
    from emberwatch.core.clock import utc_now
    from emberwatch.tenants.queries import tenant_by_name
    from emberwatch.tenants.services import set_watchlist

    found = tenant_by_name(tenant)
    set_watchlist(found, address or [], login_host or [], actor=command_line_actor(), now=utc_now())
    row = records.tenant(found)
    if as_json:
        print_json([row])
    else:
        watched = [*row["addresses"], *row["login_hosts"]]
        typer.echo(f"Tenant {found.name} also watches {', '.join(watched) or 'nothing else'}.")


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
