"""``emberwatch entra``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from emberwatch.cli import choices, directory_health, directory_keys
from emberwatch.cli.directory_keys import CertificateFile, Federated, given_key, show_report
from emberwatch.cli.directory_sync import sync
from emberwatch.cli.output import AsJson
from emberwatch.cli.start import start

if TYPE_CHECKING:
    from emberwatch.tenants.models import Tenant

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
    as_json: AsJson = False,
) -> None:
    """Connect a tenant to its directory and check the connection.

    The client secret (its Value, not its ID) comes from EMBERWATCH_ENTRA_CLIENT_SECRET or standard input; with
    --certificate the password of its file comes from EMBERWATCH_ENTRA_CERTIFICATE_PASSWORD or standard input.
    """
    found = _tenant(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.directories.services import ConnectionForm, save_connection

    key = given_key(certificate, federated)
    form = ConnectionForm(client_id, entra_tenant_id, cloud, key.client_secret, key)
    _, report = save_connection(found, form, actor=command_line_actor(), now=utc_now())
    show_report(found, report, as_json)


@app.command()
def check(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")], as_json: AsJson = False
) -> None:
    """Check a tenant's connection from the network to the permissions, and say in plain words what is wrong."""
    found = _tenant(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.directories.queries import required_connection
    from emberwatch.directories.services import check_connection

    required_connection(found.id)
    show_report(found, check_connection(found, actor=command_line_actor()), as_json)


def _tenant(name: str) -> Tenant:
    start()
    from emberwatch.tenants.queries import tenant_by_name

    return tenant_by_name(name)
