"""``emberwatch machines`` and ``emberwatch cookies``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from emberwatch.cli.output import AsJson, day, moment, print_json, print_table
from emberwatch.cli.start import start

if TYPE_CHECKING:
    from emberwatch.exposures.models import Cookie

_COLUMNS: Final = (
    *("Machine", "User", "Stealer", "Country", "Infected", "Credentials", "Cookies", "Valid then", "Id"),
)
_COOKIE_COLUMNS: Final = ("Site", "Path", "Cookie", "Expires", "Valid when imported", "Machine", "Imported")
_MOST: Final = 1000
TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]


def machines(tenant: TenantName, as_json: AsJson = False) -> None:
    """List the infected devices that leaked a tenant's credentials, newest first."""
    start()
    from emberwatch.cli import records
    from emberwatch.exposures.queries import newest_machines
    from emberwatch.tenants.queries import tenant_by_name

    rows = newest_machines(tenant_by_name(tenant), limit=_MOST)
    if as_json:
        print_json(records.machine(row) for row in rows)
    else:
        print_table(_COLUMNS, (_cells(row) for row in rows))


def _cells(row: Any) -> tuple[str, ...]:
    counts = (str(row.credential_count), str(row.cookie_count), str(row.live_cookie_count))
    return (row.name, row.user_name, row.family, row.country, day(row.infected_at), *counts, str(row.id))


def cookies(
    tenant: TenantName,
    machine: Annotated[str, typer.Option(help="Only those from the machine with this id.")] = "",
    as_json: AsJson = False,
) -> None:
    """List stolen cookies of a tenant's sites, newest first; their values are shown to nobody."""
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.cli import records
    from emberwatch.exposures.queries import access_machine, cookies_on, newest_cookies
    from emberwatch.tenants.queries import tenant_by_name

    found = tenant_by_name(tenant)
    if machine:
        rows = cookies_on(access_machine(command_line_actor(), found.pk, machine))
    else:
        rows = newest_cookies(found, limit=_MOST)
    if as_json:
        print_json(records.cookie(row) for row in rows)
    else:
        print_table(_COOKIE_COLUMNS, (_cookie_cells(row) for row in rows))


def _cookie_cells(row: Cookie) -> tuple[str, ...]:
    expires = moment(row.expires_at) or "with the session"
    machine = row.machine.name if row.machine else ""
    live = "yes" if row.was_live else "no"
    return (row.host, row.path, row.name, expires, live, machine, moment(row.seen_at))
