"""``emberwatch identities`` and ``emberwatch identity``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from emberwatch.cli.output import AsJson, day, moment, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.cli.terminal import visible

if TYPE_CHECKING:
    from emberwatch.exposures.profile import Profile
    from emberwatch.identities.browsing import IdentityFilter, Listed
    from emberwatch.tenants.models import Tenant

_COLUMNS: Final = ("Sign-in name", "Name", "Account", "Privileged", "Last sign-in", "Leaked", "Active", "Id")
_OPENED_COLUMNS: Final = ("Opens", "Kind", "Privileged", "Through", "As")
_CREDENTIAL_COLUMNS: Final = ("Login", "Leaked", "Last seen", "Verdict", "Id")
_MACHINE_COLUMNS: Final = ("Machine", "Stealer", "Infected", "Credentials", "Live cookies", "Id")
_EVENT_COLUMNS: Final = ("When", "Step", "What")
TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]


def identities(
    tenant: TenantName,
    privileged: Annotated[bool, typer.Option("--privileged", help="With a privileged role.")] = False,
    exposed: Annotated[bool, typer.Option("--exposed", help="With an active leaked credential.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Nobody has signed in for 90 days.")] = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Disabled accounts.")] = False,
    guest: Annotated[bool, typer.Option("--guest", help="Guests.")] = False,
    gone: Annotated[bool, typer.Option("--gone", help="Deleted or no longer listed ones instead.")] = False,
    text: Annotated[str, typer.Option(help="Part of a name or sign-in name, or an object id.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the accounts of a tenant's directories by sign-in name."""
    start()
    from emberwatch.cli import identity_records
    from emberwatch.core.listing import plain_text
    from emberwatch.identities.browsing import IdentityFilter
    from emberwatch.tenants.queries import tenant_by_name

    wanted = IdentityFilter(privileged, exposed, stale, disabled, guest, gone, plain_text(text))
    rows = _rows(tenant_by_name(tenant), wanted)
    if as_json:
        print_json(identity_records.listed(row) for row in rows)
    else:
        print_table(_COLUMNS, (_cells(row) for row in rows))


def _rows(tenant: Tenant, wanted: IdentityFilter) -> Iterator[Listed]:
    from emberwatch.core.clock import utc_now
    from emberwatch.identities.browsing import MAX_PAGE_SIZE, identities_page

    cursor, now = "", utc_now()
    while True:
        page = identities_page(tenant, wanted, now, cursor=cursor, limit=MAX_PAGE_SIZE)
        yield from page.rows
        cursor = page.next_cursor
        if not cursor:
            return


def _cells(row: Listed) -> tuple[str, ...]:
    identity = row.identity
    last = identity.last_successful_sign_in_at or identity.last_sign_in_at
    return (
        identity.user_principal_name,
        identity.display_name,
        identity.state_words,
        "yes" if row.is_privileged else "no",
        day(last) or "unknown",
        str(row.credentials),
        str(row.active),
        str(identity.pk),
    )


def identity(
    tenant: TenantName,
    account: Annotated[str, typer.Argument(help="The identity's id, object id or sign-in name.")],
    as_json: AsJson = False,
) -> None:
    """Show one person: account, severity with its reasons, what the account opens, credentials, machines."""
    start()
    from emberwatch.cli import identity_records
    from emberwatch.core.clock import utc_now
    from emberwatch.exposures.profile import Profile, identity_named
    from emberwatch.tenants.queries import tenant_by_name

    profile = Profile(identity_named(tenant_by_name(tenant), account), utc_now())
    if as_json:
        print_json([identity_records.detail(profile)])
    else:
        _print(profile)


def _print(profile: Profile) -> None:
    print_table(("Fact", "What is known"), _facts(profile))
    severity = profile.severity
    typer.echo(f"Severity: {severity.level.label}")
    for reason in severity.reasons:
        typer.echo(f"  {visible(reason.words)}")
    opened = profile.reach.opened
    print_table(_OPENED_COLUMNS, (_opened_cells(each) for each in opened))
    print_table(_CREDENTIAL_COLUMNS, (_credential_cells(row) for row in profile.credentials))
    print_table(_MACHINE_COLUMNS, (_machine_cells(row) for row in profile.machines))
    events = ((moment(each.at), each.step.label, each.words) for each in profile.timeline)
    print_table(_EVENT_COLUMNS, events)


def _facts(profile: Profile) -> Iterator[tuple[str, str]]:
    row, unknown = profile.identity, profile.unknown
    manager = profile.manager
    factor = {True: "registered", False: "not registered", None: ""}[row.mfa_registered]
    yield "Name", row.display_name
    yield "Sign-in name", row.user_principal_name
    yield "Account", row.state_words
    yield "Manager", manager.user_principal_name if manager else str(row.manager_object_id or "none")
    yield "Department", row.department
    yield "Licences", ", ".join(profile.licences) or "none"
    yield "Created", day(row.account_created_at) or "unknown"
    yield "Password changed", moment(row.last_password_change_at) or "unknown"
    yield "Sessions valid from", moment(row.sessions_valid_from_at) or "unknown"
    yield "Last successful sign-in", moment(row.last_successful_sign_in_at) or _why(unknown, "sign_ins")
    yield (
        "Second factor",
        ": ".join(filter(None, (factor, ", ".join(row.mfa_methods)))) or _why(unknown, "registration"),
    )
    yield "Microsoft's risk", row.risk_words or _why(unknown, "risk", "none found")
    yield "Object ID", str(row.object_id)


def _why(unknown: dict[str, Any], stage: str, otherwise: str = "unknown") -> str:
    why = unknown.get(stage)
    return f"{why.because} {why.remedy}".strip() if why else otherwise


def _opened_cells(each: Any) -> tuple[str, ...]:
    through = each.via_name if each.via else "directly"
    return (each.name, each.kind.label, "yes" if each.privileged else "no", through, each.detail)


def _credential_cells(row: Any) -> tuple[str, ...]:
    likely = " (likely)" if row.certainty == "likely" else ""
    verdict = f"{row.get_verdict_display()}{likely}"
    return (row.login, day(row.leaked_at), moment(row.last_seen_at), verdict, str(row.pk))


def _machine_cells(row: Any) -> tuple[str, ...]:
    counts = (str(row.credential_count), str(row.live_cookie_count))
    return (row.name, row.family, day(row.infected_at), *counts, str(row.pk))
