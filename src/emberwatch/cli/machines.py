"""``emberwatch machines``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from emberwatch.cli.output import AsJson, day, print_json, print_table
from emberwatch.cli.start import start

_COLUMNS: Final = ("Machine", "User", "Stealer", "Country", "Infected", "Credentials", "Id")


def machines(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")], as_json: AsJson = False
) -> None:
    """List the infected devices that leaked a tenant's credentials, newest first."""
    start()
    from emberwatch.cli import records
    from emberwatch.exposures.queries import newest_machines
    from emberwatch.tenants.queries import tenant_by_name

    rows = newest_machines(tenant_by_name(tenant), limit=1000)
    if as_json:
        print_json(records.machine(row) for row in rows)
        return
    print_table(
        _COLUMNS,
        (
            (r.name, r.user_name, r.family, r.country, day(r.infected_at), str(r.credentials), str(r.id))  # type: ignore[attr-defined]
            for r in rows
        ),
    )
