"""``emberwatch alerts channel``: where messages of a tenant go."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.alert_lines import TenantName, say_delivery, tenant_of
from emberwatch.cli.output import AsJson, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret

if TYPE_CHECKING:
    from emberwatch.alerts.models import AlertChannel
    from emberwatch.alerts.services import ChannelForm

app = typer.Typer(help="Channels: where messages of a tenant go.", rich_markup_mode=None)

ChannelName = Annotated[str, typer.Argument(help="The channel's name or id.")]
Set = Annotated[
    list[str],
    typer.Option("--set", help="name=value of a setting; may be repeated. Lines are parted by commas."),
]
Secrets = Annotated[
    bool,
    typer.Option(
        "--secrets",
        help='Read the secrets as one JSON object from standard input, such as {"url": "https://…"}.',
    ),
]
_COLUMNS: Final = ("Channel", "Kind", "Status", "", "Id")
SECRETS_VARIABLE: Final = "EMBERWATCH_CHANNEL_SECRETS"


@app.command()
def kinds(as_json: AsJson = False) -> None:
    """List the kinds of channels with the settings and secrets that each asks for."""
    start()
    from emberwatch.alerts.describing import kind_fields
    from emberwatch.channels.registry import KINDS

    if as_json:
        print_json(kind_fields(kind) for kind in KINDS.values())
        return
    rows = [
        (
            kind.name,
            kind.label,
            ", ".join(each.name for each in kind.plain_fields),
            ", ".join(each.name for each in kind.secret_fields),
        )
        for kind in KINDS.values()
    ]
    print_table(("Kind", "System", "Settings", "Secrets"), rows)


@app.command("list")
def list_channels(tenant: TenantName, as_json: AsJson = False) -> None:
    """List the channels of a tenant with their status."""
    found = tenant_of(tenant)
    from emberwatch.alerts.describing import channel_fields
    from emberwatch.alerts.queries import channels_of

    rows = channels_of(found)
    if as_json:
        print_json(channel_fields(row) for row in rows)
    else:
        print_table(_COLUMNS, [_cells(row) for row in rows])


def _cells(row: AlertChannel) -> tuple[str, ...]:
    off = "" if row.is_usable else "Off. "
    return (
        row.name,
        row.kind_label,
        row.get_status_display(),
        f"{off}{row.status_sentence}".strip(),
        str(row.pk),
    )


@app.command()
def add(
    tenant: TenantName,
    kind: Annotated[str, typer.Argument(help="One of `emberwatch alerts channel kinds`.")],
    name: Annotated[str, typer.Argument(help="What to call it.")],
    set_: Set = [],  # noqa: B006 - typer reads the default, nobody writes to it
    secrets: Secrets = False,
    as_json: AsJson = False,
) -> None:
    """Make a channel. Test it before a rule relies on it."""
    found = tenant_of(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts.services import ChannelForm, create_channel
    from emberwatch.core.clock import utc_now

    form = ChannelForm(name, _pairs(set_), _secrets(asked=secrets))
    _say(create_channel(found, kind, form, actor=command_line_actor(), now=utc_now()), as_json)


@app.command()
def change(
    tenant: TenantName,
    channel: ChannelName,
    name: Annotated[str, typer.Option(help="A new name.")] = "",
    set_: Set = [],  # noqa: B006 - typer reads the default, nobody writes to it
    secrets: Secrets = False,
    forget: Annotated[list[str], typer.Option(help="A stored secret to take away; may be repeated.")] = [],  # noqa: B006 - as above
    as_json: AsJson = False,
) -> None:
    """Change some settings of a channel; stored secrets that are not given stay."""
    row = _channel(tenant, channel)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts import services
    from emberwatch.core.clock import utc_now

    form: ChannelForm = services.ChannelForm(
        name or row.name, row.settings | _pairs(set_), _secrets(asked=secrets), forget
    )
    _say(services.change_channel(row, form, actor=command_line_actor(), now=utc_now()), as_json)


@app.command()
def test(tenant: TenantName, channel: ChannelName, as_json: AsJson = False) -> None:
    """Send a test message through a channel now."""
    row = _channel(tenant, channel)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts.models import DeliveryState
    from emberwatch.alerts.services import try_channel

    tested = try_channel(row, actor=command_line_actor())
    say_delivery(tested, as_json)
    if tested.state != DeliveryState.SENT:
        raise typer.Exit(1)


@app.command()
def switch(
    tenant: TenantName,
    channel: ChannelName,
    off: Annotated[bool, typer.Option("--off", help="Switch it off instead of on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Switch a channel on or off."""
    row = _channel(tenant, channel)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts.services import switch_channel
    from emberwatch.core.clock import utc_now

    _say(switch_channel(row, not off, actor=command_line_actor(), now=utc_now()), as_json)


@app.command()
def remove(tenant: TenantName, channel: ChannelName) -> None:
    """Remove a channel with its secrets and deliveries."""
    row = _channel(tenant, channel)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts import services
    from emberwatch.core.clock import utc_now

    services.remove_channel(row, actor=command_line_actor(), now=utc_now())
    typer.echo(f"Removed: {row.name}.")


def _channel(tenant: str, name: str) -> AlertChannel:
    found = tenant_of(tenant)
    from emberwatch.alerts.queries import channel_named

    return channel_named(found, name)


def _pairs(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, parted, value = text.partition("=")
        if not parted:
            raise BadInput("--set needs name=value.", remedy="Such as --set port=587.")
        found[name.strip()] = value.strip()
    return found


def _secrets(*, asked: bool) -> dict[str, Secret]:
    """Never from an argument, which every process on the host may read."""
    text = os.environ.get(SECRETS_VARIABLE, "") or (sys.stdin.read() if asked else "")
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BadInput("The secrets need one JSON object of texts.", field="secrets")
    return {str(name): Secret(value) for name, value in found.items()}


def _say(row: AlertChannel, as_json: bool) -> None:
    from emberwatch.alerts.describing import channel_fields

    if as_json:
        print_json([channel_fields(row)])
    else:
        print_table(_COLUMNS, [_cells(row)])
