"""``emberwatch entra``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli import choices, directory_health, directory_keys
from emberwatch.cli.directory_keys import CertificateFile, Federated, given_key, show_report
from emberwatch.cli.directory_sync import sync
from emberwatch.cli.output import AsJson, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.cli.which_directory import Which, named, tenant_and_connection
from emberwatch.core.errors import BadInput

if TYPE_CHECKING:
    from emberwatch.tenants.models import Tenant

_LISTED: Final = (
    "entra_tenant_id",
    "organisation_name",
    "client_id",
    "cloud",
    "status",
    "status_sentence",
    "verified_domains",
    "last_good_check_at",
)

app = typer.Typer(help="A tenant's connection to its Microsoft Entra ID.", rich_markup_mode=None)
for _command in (
    choices.choices,
    choices.protected,
    choices.protect,
    choices.unprotect,
    choices.activity,
    choices.soc,
    directory_health.health,
    directory_health.calls,
):
    app.command(_command.__name__)(_command)
app.command()(sync)
app.add_typer(directory_keys.app, name="key")


@app.command()
def connect(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    client_id: Annotated[str, typer.Option(help="Application (client) ID.")],
    entra_tenant_id: Annotated[str, typer.Option(help="Directory (tenant) ID.")],
    cloud: Annotated[str, typer.Option(help="global, usgov, usgovdod, china or custom.")] = "global",
    certificate: CertificateFile = None,
    federated: Federated = False,
    add: Annotated[
        bool, typer.Option("--add", help="A further directory, beside those that are connected.")
    ] = False,
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Connect a tenant to its directory and check the connection.

    A tenant that is connected to one changes it so; with --add it gets a further one.

    The client secret (its Value, not its ID) comes from EMBERWATCH_ENTRA_CLIENT_SECRET or standard input; with
    --certificate the password of its file comes from EMBERWATCH_ENTRA_CERTIFICATE_PASSWORD or standard input.
    """
    found = _tenant(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.directories.services import ConnectionForm, save_connection

    if add and directory:
        raise BadInput("Give --add or --directory, not both.", field="directory")
    meant = named(found, directory)
    key = given_key(certificate, federated)
    form = ConnectionForm(client_id, entra_tenant_id, cloud, key.client_secret, key)
    saved, report = save_connection(
        found, form, actor=command_line_actor(), now=utc_now(), directory=meant, adds=add
    )
    show_report(saved, report, as_json)


@app.command()
def check(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Check a tenant's connection from the network to the permissions, and say in plain words what is wrong."""
    found, connection = tenant_and_connection(tenant, directory)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.directories.services import check_connection

    meant = connection.entra_tenant_id
    show_report(connection, check_connection(found, actor=command_line_actor(), directory=meant), as_json)


@app.command("list")
def list_directories(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")], as_json: AsJson = False
) -> None:
    """List the directories that a tenant is connected to."""
    found = _tenant(tenant)
    from emberwatch.directories.queries import connections_of

    rows = connections_of(found.id)
    if as_json:
        print_json({name: getattr(row, name) for name in _LISTED} for row in rows)
    elif rows:
        print_table(
            ("Directory (tenant) ID", "Organisation", "Cloud", "Status", "Verified domains"),
            [
                (
                    str(row.entra_tenant_id),
                    row.organisation_name,
                    row.cloud,
                    f"{row.get_status_display()}. {row.status_sentence}".strip(),
                    ", ".join(row.verified_domains),
                )
                for row in rows
            ],
        )
    else:
        typer.echo("This tenant is not connected to a directory yet.")


@app.command("remove")
def remove(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    directory: Annotated[str, typer.Option(help="Its Directory (tenant) ID or its organisation's name.")],
) -> None:
    """End a connection: its keys, its choices and the copy of its accounts go; verdicts and attempts stay."""
    found, connection = tenant_and_connection(tenant, directory)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.identities.services import remove_directory

    remove_directory(found, connection.entra_tenant_id, actor=command_line_actor(), now=utc_now())
    typer.echo(f"No longer connected: {connection.label}.")


def _tenant(name: str) -> Tenant:
    start()
    from emberwatch.tenants.queries import tenant_by_name

    return tenant_by_name(name)
