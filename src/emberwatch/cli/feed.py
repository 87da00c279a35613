"""``emberwatch credentials``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from emberwatch.cli.output import AsJson, day, moment, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.core.errors import BadInput

if TYPE_CHECKING:
    from emberwatch.exposures.models import Credential
    from emberwatch.exposures.queries import FeedFilter
    from emberwatch.tenants.models import Tenant

_COLUMNS: Final = ("Login", "Password", "Source", "Leaked", "Last seen", "Identity", "Verdict", "Id")


def credentials(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    verdict: Annotated[str, typer.Option(help="Such as active, inactive, locked, unvalidated.")] = "",
    group: Annotated[str, typer.Option(help="active, not_active, cannot_tell or not_validated.")] = "",
    certainty: Annotated[str, typer.Option(help="proved or likely.")] = "",
    source_kind: Annotated[str, typer.Option(help="stealer_log, ulp, combo_list, breach or feed.")] = "",
    exposure_kind: Annotated[str, typer.Option(help="employee or external.")] = "",
    handling: Annotated[str, typer.Option(help="open, remediated or ignored.")] = "",
    domain: Annotated[str, typer.Option(help="A monitored domain.")] = "",
    text: Annotated[str, typer.Option(help="Part of a login or of an identity's name.")] = "",
    since: Annotated[str, typer.Option(help="Seen on this day or later, such as 2026-01-31.")] = "",
    until: Annotated[str, typer.Option(help="Seen on this day or earlier.")] = "",
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show passwords; each leaves an audit row.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why passwords are revealed; stands in the audit row.")] = "",
    as_json: AsJson = False,
) -> None:
    """List a tenant's leaked credentials, newest first."""
    if reveal and not reason.strip():
        raise BadInput("A reason is needed to reveal passwords.", remedy="Give it with --reason.")
    filters = {
        "verdict": verdict,
        "group": group,
        "certainty": certainty,
        "source_kind": source_kind,
        "exposure_kind": exposure_kind,
        "handling": handling,
        "domain": domain,
        "text": text,
        "since": since,
        "until": until,
    }
    start()
    from emberwatch.exposures.queries import FeedFilter
    from emberwatch.tenants.queries import tenant_by_name

    rows = _rows(tenant_by_name(tenant), FeedFilter.from_query(filters))
    password = _revealer(reason) if reveal else None
    if as_json:
        print_json(_record(row, password) for row in rows)
    else:
        print_table(_COLUMNS, (_cells(row, password) for row in rows))


def _rows(tenant: Tenant, wanted: FeedFilter) -> Iterator[Credential]:
    from emberwatch.exposures.queries import MAX_PAGE_SIZE, feed_page

    cursor = ""
    while True:
        page = feed_page(tenant, wanted, cursor=cursor, limit=MAX_PAGE_SIZE)
        yield from page.credentials
        cursor = page.next_cursor
        if not cursor:
            return


def _revealer(reason: str) -> Callable[[Credential], str]:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.exposures.services import reveal

    actor = command_line_actor()
    return lambda row: reveal(row, reason=reason, actor=actor, now=utc_now()).expose()


def _record(row: Credential, password: Callable[[Credential], str] | None) -> dict[str, Any]:
    from emberwatch.cli import records

    return records.credential(row) | ({"password": password(row)} if password else {})


def _cells(row: Credential, password: Callable[[Credential], str] | None) -> tuple[str, ...]:
    shown = password(row) if password else f"•••• {row.secret_length} {row.secret_classes}"
    return (
        row.login,
        shown,
        row.get_source_kind_display(),
        day(row.leaked_at),
        moment(row.last_seen_at),
        row.identity.display_name or row.identity.user_principal_name if row.identity else "",
        f"{row.get_verdict_display()}{' (likely)' if row.certainty == 'likely' else ''}",
        str(row.id),
    )
