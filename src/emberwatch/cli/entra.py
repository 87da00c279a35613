"""``emberwatch entra``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli import choices
from emberwatch.cli.directory_sync import sync
from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.cli.output import AsJson, print_json
from emberwatch.cli.start import start
from emberwatch.core.secret import Secret

if TYPE_CHECKING:
    from emberwatch.directories.base import CheckItem, CheckReport

app = typer.Typer(help="A tenant's connection to its Microsoft Entra ID.", rich_markup_mode=None)
for _command in (
    choices.choices,
    choices.protected,
    choices.protect,
    choices.unprotect,
    choices.activity,
    choices.soc,
):
    app.command(_command.__name__)(_command)
app.command()(sync)

SECRET_VARIABLE: Final = "EMBERWATCH_ENTRA_CLIENT_SECRET"  # noqa: S105 - a variable's name
_MARKS: Final = {"ok": "ok      ", "warning": "warning ", "fault": "FAULT   "}


@app.command()
def connect(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    client_id: Annotated[str, typer.Option(help="Application (client) ID.")],
    entra_tenant_id: Annotated[str, typer.Option(help="Directory (tenant) ID.")],
    cloud: Annotated[str, typer.Option(help="global, usgov, usgovdod, china or custom.")] = "global",
    as_json: AsJson = False,
) -> None:
    """Connect a tenant to its directory and check the connection.

    The client secret (its Value, not its ID) comes from EMBERWATCH_ENTRA_CLIENT_SECRET or standard input.
    """
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.directories.services import ConnectionForm, save_connection
    from emberwatch.tenants.queries import tenant_by_name

    found = tenant_by_name(tenant)
    form = ConnectionForm(client_id, entra_tenant_id, cloud, _client_secret())
    _, report = save_connection(found, form, actor=command_line_actor(), now=utc_now())
    _show(report, as_json)


@app.command()
def check(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")], as_json: AsJson = False
) -> None:
    """Check a tenant's connection and say in plain words what is wrong."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.directories.queries import required_connection
    from emberwatch.directories.services import check_connection
    from emberwatch.tenants.queries import tenant_by_name

    found = tenant_by_name(tenant)
    required_connection(found.id)
    _show(check_connection(found, actor=command_line_actor()), as_json)


def _client_secret() -> Secret:
    given = os.environ.get(SECRET_VARIABLE)
    if given:
        return Secret(given)
    if sys.stdin.isatty():
        return Secret(typer.prompt("Entra Client Secret (the Value)", hide_input=True, err=True))
    return Secret(sys.stdin.readline().rstrip("\r\n"))


def _show(report: CheckReport, as_json: bool) -> None:
    if as_json:
        print_json(asdict(item) for item in report.items)
    else:
        _print_items(report.items)
    if report.fault:
        raise typer.Exit(EXIT_FAILED)


def _print_items(items: Sequence[CheckItem]) -> None:
    for item in items:
        code = f" ({item.code})" if item.code else ""
        typer.echo(f"{_MARKS[item.state]} {item.name}: {item.sentence}{code}")
        if item.remedy:
            typer.echo(f"          {item.remedy}")
