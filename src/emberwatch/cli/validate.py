"""``emberwatch validate``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from emberwatch.cli.output import AsJson, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.cli.waiting import Moving, say_if_nobody_works, wait_until_at_rest
from emberwatch.core.errors import BadInput
from emberwatch.core.verdict import Verdict

if TYPE_CHECKING:
    from uuid import UUID

    from emberwatch.tenants.models import Tenant
    from emberwatch.validation.models import Run, Validation


def validate(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    all_: Annotated[
        bool, typer.Option("--all", help="Every credential whose verdict is not settled.")
    ] = False,
    credential: Annotated[str, typer.Option(help="The id of one credential.")] = "",
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Send a sign-in even when facts make the answer likely.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the verdicts; starts a worker if none runs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Validate credentials: facts first, then at most one sign-in each, within the lockout budget."""
    if all_ == bool(credential):
        raise BadInput("Say what to validate.", remedy="Give either --all or --credential ID.")
    start()
    from emberwatch.tenants.queries import tenant_by_name

    found = tenant_by_name(tenant)
    if all_:
        _validate_feed(found, wait=wait, as_json=as_json)
    else:
        _validate_one(found, credential, confirm=confirm, wait=wait, as_json=as_json)
    if not wait:
        say_if_nobody_works()


def _validate_one(tenant: Tenant, credential_id: str, *, confirm: bool, wait: bool, as_json: bool) -> None:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.cli import records
    from emberwatch.core.clock import utc_now
    from emberwatch.exposures.queries import access_credential
    from emberwatch.tenants.policy import Permission
    from emberwatch.validation.models import OPEN_STATES, Validation
    from emberwatch.validation.services import request_validation

    actor = command_line_actor()
    found = access_credential(actor, tenant.id, credential_id, Permission.VALIDATE)
    asked = request_validation(found, actor=actor, now=utc_now(), confirm=confirm)
    rows = Validation.objects.filter(pk=asked.pk)
    if wait:
        wait_until_at_rest(lambda: Moving(1) if rows.filter(state__in=OPEN_STATES).exists() else None)
    row = rows.select_related("verdict_record", "credential").get()
    if as_json:
        print_json([records.validation(row)])
    elif row.verdict_record:
        _print_one(row)
    else:
        typer.echo("1 validation queued.")


def _validate_feed(tenant: Tenant, *, wait: bool, as_json: bool) -> None:
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.queries import open_questions
    from emberwatch.validation.runs import open_run, start_runs

    now = utc_now()
    queued = open_questions(tenant.id, now)
    if not queued and open_run(tenant.id) is None:
        if not as_json:
            typer.echo("Nothing to validate: every verdict is settled.")
        return
    runs = start_runs(tenant, actor=command_line_actor(), now=now)
    for run in runs:
        if wait:
            wait_until_at_rest(partial(_moving, run.pk))
        run.refresh_from_db()
        if as_json:
            _print_rows(run)
        elif wait:
            _print_outcome(run)
    if not as_json and not wait:
        typer.echo(f"{queued} validations queued.")


def _print_rows(run: Run) -> None:
    """The credentials that the run is about, once it is planned, with the evidence for their verdicts."""
    from emberwatch.cli import records
    from emberwatch.validation.queries import credentials_of_run

    rows = credentials_of_run(run).iterator(chunk_size=2000)
    print_json(
        records.credential(row) | {"credential_id": row.id, "evidence": vars(row)["newest_evidence"]}
        for row in rows
    )


def _print_outcome(run: Run) -> None:
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.queries import credentials_of_run, progress_of_run

    progress = progress_of_run(run, utc_now())
    _print_counts(credentials_of_run(run).values_list("verdict", flat=True).iterator(chunk_size=2000))
    typer.echo(
        f"{progress.decided} of {run.credentials} decided, {run.attempts} sign-ins sent, {progress.avoided} avoided."
    )
    typer.echo(f"{run.get_state_display()}. {run.sentence}".strip())


def _moving(run_id: UUID) -> Moving | None:
    """How far a run is, or ``None`` when waiting here would bring nothing more."""
    from emberwatch.core.clock import utc_now
    from emberwatch.validation.models import Run
    from emberwatch.validation.queries import is_at_rest

    run = Run.objects.get(pk=run_id)
    return None if is_at_rest(run, utc_now()) else Moving(run.credentials, run.decided)


def _print_one(row: Validation) -> None:
    entry = row.verdict_record
    if entry is None:
        return
    certainty = f" ({entry.certainty})" if entry.certainty else ""
    typer.echo(f"{row.credential.login}: {Verdict(entry.verdict).label}{certainty}")
    found = entry.evidence
    lines = (found["because"], found.get("why_not_more_certain", ""), f"Method: {found['method']}.")
    typer.echo("\n".join(f"  {line}" for line in lines if line))


def _print_counts(verdicts: Iterable[str]) -> None:
    counts = Counter(verdicts)
    if counts:
        print_table(
            ("Verdict", "Credentials"), [(v.label, str(counts[v.value])) for v in Verdict if counts[v.value]]
        )
