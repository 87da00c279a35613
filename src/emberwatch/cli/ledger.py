"""``emberwatch attempts``: the ledger of sign-ins, as a table, as CSV or as JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.output import AsJson, moment, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.core.errors import BadInput

if TYPE_CHECKING:
    from emberwatch.tenants.models import Tenant
    from emberwatch.validation.proof import AccountBudget, Entry, LedgerFilter

_COLUMNS: Final = ("Reserved", "Account", "Asked by", "Code", "Verdict", "Failed", "State", "Id")


def attempts(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    account: Annotated[str, typer.Option(help="A sign-in name or an object id.")] = "",
    code: Annotated[str, typer.Option(help="The directory's code.")] = "",
    verdict: Annotated[str, typer.Option(help="Such as active, inactive, locked.")] = "",
    origin: Annotated[str, typer.Option(help="press, run or schedule.")] = "",
    since: Annotated[str, typer.Option(help="On this day or later, such as 2026-01-31.")] = "",
    until: Annotated[str, typer.Option(help="On this day or earlier.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="All columns as CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every sign-in that was sent to the tenant's directory, newest first."""
    if as_csv and as_json:
        raise BadInput("Give either --csv or --json.")
    values = {
        "account": account,
        "code": code,
        "verdict": verdict,
        "origin": origin,
        "since": since,
        "until": until,
    }
    start()
    from emberwatch.tenants.queries import tenant_by_name
    from emberwatch.validation.proof import LedgerFilter, whole_ledger

    found, wanted = tenant_by_name(tenant), LedgerFilter.from_query(values)
    if as_csv:
        _export(found, wanted)
    elif as_json:
        print_json(entry.fields() for entry in whole_ledger(found, wanted))
    else:
        print_table(_COLUMNS, (_cells(entry) for entry in whole_ledger(found, wanted)))
        _say_budgets(found, wanted)


def _export(tenant: Tenant, wanted: LedgerFilter) -> None:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.ledger_export import ExportForm, exported
    from emberwatch.validation.proof import record_export, whole_ledger

    record_export(tenant, wanted, ExportForm.CSV, actor=command_line_actor(), now=utc_now())
    sys.stdout.writelines(exported(whole_ledger(tenant, wanted), ExportForm.CSV))


def _cells(entry: Entry) -> tuple[str, ...]:
    row = entry.attempt
    return (
        moment(row.reserved_at),
        entry.user_principal_name or str(row.object_id),
        entry.requested_by,
        row.code,
        entry.verdict.label if entry.verdict else "",
        "yes" if row.counts_as_failed else "no",
        row.get_state_display(),
        str(row.id),
    )


def _say_budgets(tenant: Tenant, wanted: LedgerFilter) -> None:
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.proof import budgets_of

    for budget in budgets_of(tenant, wanted, utc_now()):
        typer.echo(_sentence(budget))


def _sentence(budget: AccountBudget) -> str:
    left = budget.remaining
    used = f"{left.failed} used by us, {left.failed_by_others} by others"
    next_slot = f" Next slot: {moment(left.next_slot_at)} UTC." if left.next_slot_at else ""
    told = f"{left.left} of {left.allowed} failed attempts left within 24 hours ({used})."
    return f"{budget.identity.user_principal_name}: {told}{next_slot} {left.why}".strip()
