"""What the commands of alerts have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from emberwatch.cli.output import print_json
from emberwatch.cli.start import start

if TYPE_CHECKING:
    from emberwatch.alerts.models import Delivery
    from emberwatch.tenants.models import Tenant

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]


def tenant_of(name: str) -> Tenant:
    start()
    from emberwatch.tenants.queries import tenant_by_name

    return tenant_by_name(name)


def say_delivery(row: Delivery, as_json: bool) -> None:
    from emberwatch.alerts.describing import delivery_fields

    if as_json:
        print_json([delivery_fields(row)])
    else:
        typer.echo(f"{row.get_state_display()}. {row.sentence} {row.provider_id}".strip())
