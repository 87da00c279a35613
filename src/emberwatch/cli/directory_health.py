"""``emberwatch entra health`` and ``calls``: how a tenant's directory is doing."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.output import AsJson, moment, print_json, print_table
from emberwatch.cli.which_directory import Which, tenant_and_connection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emberwatch.directories.calls import CallFilters
    from emberwatch.directories.models import DirectoryCall, DirectoryConnection
    from emberwatch.validation.health import Health

TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]
_CALL: Final = (
    "id",
    "at",
    "service",
    "method",
    "path",
    "status",
    "failure",
    "milliseconds",
    "request_id",
    "client_request_id",
)


def health(tenant: TenantName, directory: Which = "", as_json: AsJson = False) -> None:
    """Show a directory's state, and the sign-ins and requests of the last 24 hours."""
    _, connection = tenant_and_connection(tenant, directory)
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.health import health_of

    found = health_of(connection, utc_now())
    if as_json:
        calls = asdict(found.calls) | {"total": found.calls.total}
        print_json([asdict(found) | {"calls": calls}])
    else:
        print_table(("Fact", "Value"), _facts(found))


def _facts(found: Health) -> list[tuple[str, str]]:
    attempts, calls, counts = found.attempts, found.calls, found.counts
    return [
        ("Status", f"{found.status.label}. {found.status_sentence}".strip()),
        ("Stopped", moment(found.halted_at) or "no"),
        ("Last good check", moment(found.last_good_check_at) or "never"),
        ("Reads wait until", moment(found.reads_not_before)),
        ("Sign-ins wait until", moment(found.sign_ins_not_before)),
        ("Last sync", f"{moment(found.last_sync_at) or 'never'}. {found.sync_sentence}".strip()),
        ("Accounts known", f"{counts.accounts}"),
        ("Domains", f"{counts.verified_domains} verified, {counts.federated_domains} of them federated"),
        ("Sign-ins in 24 hours", f"{attempts.sent} of at most {attempts.most_at_this_pace} at this pace"),
        ("Failed among them", f"{attempts.failed}, on {attempts.accounts} accounts"),
        (
            "Accounts at their limit",
            f"{attempts.accounts_at_limit} with {attempts.allowed_per_account} failed attempts or more",
        ),
        (
            "Requests in 24 hours",
            f"{calls.total}: {calls.answered} answered, {calls.refused} refused, {calls.throttled} throttled, "
            f"{calls.failed} failed, {calls.unanswered} without an answer",
        ),
        ("Duration", f"{calls.average_milliseconds} ms on average, {calls.slowest_milliseconds} ms at most"),
    ]


def calls(
    tenant: TenantName,
    failed: Annotated[bool, typer.Option("--failed", help="Only what was refused or got no answer.")] = False,
    service: Annotated[str, typer.Option(help="graph or sign-in; without it both.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """List the requests that went to a directory in the last days, newest first."""
    _, connection = tenant_and_connection(tenant, directory)
    from emberwatch.directories.calls import CallFilters

    found = islice(_calls(connection, CallFilters(failed, service)), limit)
    if as_json:
        print_json({name: getattr(row, name) for name in _CALL} for row in found)
        return
    print_table(
        ("At", "Request", "Answer", "ms", "Request ID of the directory"),
        [
            (
                f"{row.at:%Y-%m-%d %H:%M:%S}",
                f"{row.method} {row.path}",
                str(row.status or row.failure),
                str(row.milliseconds),
                row.request_id,
            )
            for row in found
        ],
    )


def _calls(connection: DirectoryConnection, filters: CallFilters) -> Iterator[DirectoryCall]:
    from emberwatch.directories.calls import calls_page

    before = None
    while True:
        rows, before = calls_page(connection, filters, before)
        yield from rows
        if before is None:
            return
