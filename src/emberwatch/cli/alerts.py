"""``emberwatch alerts``: what is told of a tenant, to whom, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli import alert_channels, alert_rules
from emberwatch.cli.alert_lines import TenantName, say_delivery, tenant_of
from emberwatch.cli.output import AsJson, moment, print_json, print_table

if TYPE_CHECKING:
    from emberwatch.alerts.models import Delivery

app = typer.Typer(help="What is told of a tenant, to whom and how.", rich_markup_mode=None)
app.add_typer(alert_channels.app, name="channel")
app.add_typer(alert_rules.app, name="rule")

_COLUMNS: Final = ("Made", "Message", "Channel", "State", "", "Id")


@app.command()
def deliveries(
    tenant: TenantName,
    state: Annotated[str, typer.Option(help="Only those that are queued, sent, failed or given_up.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest messages and what became of them."""
    found = tenant_of(tenant)
    from emberwatch.alerts.describing import delivery_fields
    from emberwatch.alerts.queries import DeliveryFilter, deliveries_page

    rows, _ = deliveries_page(found, DeliveryFilter.from_query({"state": state}), limit=limit)
    if as_json:
        print_json(delivery_fields(row) for row in rows)
    else:
        print_table(_COLUMNS, [_cells(row) for row in rows])


@app.command()
def resend(
    tenant: TenantName,
    delivery: Annotated[str, typer.Argument(help="The id of one that has failed or was given up.")],
    as_json: AsJson = False,
) -> None:
    """Send a message once more, with the same id."""
    found = tenant_of(tenant)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.alerts import services
    from emberwatch.alerts.queries import access_delivery
    from emberwatch.core.clock import utc_now

    actor = command_line_actor()
    row = services.resend(access_delivery(actor, found.pk, delivery), actor=actor, now=utc_now())
    say_delivery(row, as_json)


def _cells(row: Delivery) -> tuple[str, ...]:
    return (
        moment(row.created_at),
        row.title,
        row.channel.name,
        row.get_state_display(),
        f"{row.sentence} {row.provider_id}".strip(),
        str(row.pk),
    )
