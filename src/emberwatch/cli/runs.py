"""``emberwatch run``: what became of Validate feed, and pausing, resuming and cancelling it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.output import AsJson, moment, print_json, print_table
from emberwatch.cli.start import start

if TYPE_CHECKING:
    from emberwatch.validation.models import Run

app = typer.Typer(help="Runs over a tenant's feed.", rich_markup_mode=None)

_COLUMNS: Final = ("Started", "State", "Decided", "Credentials", "Sign-ins sent", "Started by", "Id")
TenantName = Annotated[str, typer.Argument(help="The tenant's name or id.")]
RunId = Annotated[str, typer.Argument(help="The run's id; the newest one without it.")]


@app.command("list")
def list_runs(tenant: TenantName, as_json: AsJson = False) -> None:
    """List the newest runs of a tenant."""
    start()
    from emberwatch.cli import records
    from emberwatch.tenants.queries import tenant_by_name
    from emberwatch.validation.queries import newest_runs

    rows = newest_runs(tenant_by_name(tenant), limit=200)
    if as_json:
        print_json(records.run(row) for row in rows)
    else:
        print_table(_COLUMNS, (_cells(row) for row in rows))


@app.command()
def show(tenant: TenantName, run: RunId = "", as_json: AsJson = False) -> None:
    """Say where a run stands."""
    _say(_found(tenant, run), as_json=as_json)


@app.command()
def pause(tenant: TenantName, run: RunId = "", as_json: AsJson = False) -> None:
    """Send and ask nothing more for a run until it is resumed."""
    found = _found(tenant, run)
    from emberwatch.validation.runs import pause_run

    _move(found, pause_run, as_json=as_json)


@app.command()
def resume(tenant: TenantName, run: RunId = "", as_json: AsJson = False) -> None:
    """Go on with a run that was paused."""
    found = _found(tenant, run)
    from emberwatch.validation.runs import resume_run

    _move(found, resume_run, as_json=as_json)


@app.command()
def cancel(tenant: TenantName, run: RunId = "", as_json: AsJson = False) -> None:
    """End a run; the verdicts that it has brought stay."""
    found = _found(tenant, run)
    from emberwatch.validation.runs import cancel_run

    _move(found, cancel_run, as_json=as_json)


def _found(tenant: str, run_id: str) -> Run:
    start()
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.errors import NotFound
    from emberwatch.tenants.queries import tenant_by_name
    from emberwatch.validation.queries import access_run, newest_run

    found = tenant_by_name(tenant)
    if run_id:
        return access_run(command_line_actor(), found.pk, run_id)
    newest = newest_run(found)
    if newest is None:
        raise NotFound("This tenant has no run yet.", remedy="`emberwatch validate TENANT --all` starts one.")
    return newest


def _move(run: Run, service: Callable[..., Run], *, as_json: bool) -> None:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now

    _say(service(run, actor=command_line_actor(), now=utc_now()), as_json=as_json)


def _say(run: Run, *, as_json: bool) -> None:
    from emberwatch.cli import records
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.queries import progress_of_run

    progress = progress_of_run(run, utc_now())
    if as_json:
        print_json([records.run(run) | records.run_progress(progress)])
        return
    typer.echo(f"{run.get_state_display()}. {run.sentence}".strip())
    typer.echo(
        f"{progress.decided} of {run.credentials} decided, {run.attempts} sign-ins sent, {progress.avoided} avoided."
    )
    typer.echo(
        f"Logins left: {progress.to_look_at} to look up, {progress.to_attempt} that a sign-in would decide, "
        f"{progress.to_confirm} that a sign-in would confirm."
    )
    if progress.ends_at:
        typer.echo(f"Expected end: {moment(progress.ends_at)} UTC.")
    if run.next_at:
        typer.echo(f"Next slot: {moment(run.next_at)} UTC.")


def _cells(row: Run) -> tuple[str, ...]:
    counts = (f"{number:,}" for number in (row.decided, row.credentials, row.attempts))
    return (moment(row.requested_at), row.get_state_display(), *counts, row.requested_by, str(row.id))
