"""``emberwatch validate``."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.children import Child
from emberwatch.cli.output import AsJson, print_json, print_table
from emberwatch.cli.start import start
from emberwatch.core.errors import BadInput, Unavailable
from emberwatch.core.verdict import Verdict

if TYPE_CHECKING:
    from uuid import UUID

    from emberwatch.tenants.models import Tenant
    from emberwatch.validation.models import Validation

POLL_SECONDS: Final = 0.3


def validate(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    all_: Annotated[
        bool, typer.Option("--all", help="Every credential whose verdict is not settled.")
    ] = False,
    credential: Annotated[str, typer.Option(help="The id of one credential.")] = "",
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

    ids = _requested(tenant_by_name(tenant), credential)
    if wait:
        _wait_for(ids)
    _show(_read(ids), as_json)
    if not wait:
        _say_if_nobody_works()


def _requested(tenant: Tenant, credential_id: str) -> list[UUID]:
    """What was started now, and for a bulk request also what was under way already."""
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.exposures.queries import access_credential
    from emberwatch.tenants.policy import Permission
    from emberwatch.validation.services import request_all, request_validation

    actor = command_line_actor()
    if not credential_id:
        started = request_all(tenant, actor=actor, now=utc_now())
        return list({validation.id for validation in started}.union(_open_of(tenant)))
    found = access_credential(actor, tenant.id, credential_id, Permission.VALIDATE)
    return [request_validation(found, actor=actor, now=utc_now()).id]


def _open_of(tenant: Tenant) -> list[UUID]:
    from emberwatch.validation.models import OPEN_STATES, Validation

    return list(Validation.objects.filter(tenant=tenant, state__in=OPEN_STATES).values_list("id", flat=True))


def _read(ids: Sequence[UUID]) -> list[Validation]:
    from emberwatch.validation.models import Validation

    rows = Validation.objects.filter(pk__in=ids).select_related("verdict_record", "credential")
    return list(rows.order_by("id"))


def _unfinished(ids: Sequence[UUID]) -> int:
    from emberwatch.validation.models import OPEN_STATES, Validation

    return Validation.objects.filter(pk__in=ids, state__in=OPEN_STATES).count()


def _wait_for(ids: Sequence[UUID]) -> None:
    from emberwatch.core.clock import utc_now
    from emberwatch.engine.queries import worker_is_alive

    with ExitStack() as stack:
        child = None if worker_is_alive(utc_now()) else stack.enter_context(Child("worker"))
        while left := _unfinished(ids):
            if child is None and not worker_is_alive(utc_now()):
                child = stack.enter_context(Child("worker"))
            if child is not None and child.has_ended():
                raise Unavailable("The worker has ended; what was asked for stays queued.")
            _draw(len(ids) - left, len(ids))
            time.sleep(POLL_SECONDS)
        _draw(0, 0)


def _draw(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} validated" if total else "\r\033[K")
        sys.stderr.flush()


def _show(rows: Sequence[Validation], as_json: bool) -> None:
    from emberwatch.cli import records

    if as_json:
        print_json(records.validation(row) for row in rows)
    elif not rows:
        typer.echo("Nothing to validate: every verdict is settled.")
    elif len(rows) == 1 and rows[0].verdict_record:
        _print_one(rows[0])
    else:
        _print_counts(rows)


def _print_one(row: Validation) -> None:
    entry = row.verdict_record
    if entry is None:
        return
    certainty = f" ({entry.certainty})" if entry.certainty else ""
    typer.echo(f"{row.credential.login}: {Verdict(entry.verdict).label}{certainty}")
    found = entry.evidence
    lines = (found["because"], found.get("why_not_more_certain", ""), f"Method: {found['method']}.")
    typer.echo("\n".join(f"  {line}" for line in lines if line))


def _print_counts(rows: Sequence[Validation]) -> None:
    counts = Counter(row.verdict_record.verdict for row in rows if row.verdict_record)
    if counts:
        print_table(
            ("Verdict", "Credentials"), [(v.label, str(counts[v.value])) for v in Verdict if counts[v.value]]
        )
    if queued := len(rows) - counts.total():
        typer.echo(f"{queued} validations queued.")


def _say_if_nobody_works() -> None:
    from emberwatch.core.clock import utc_now
    from emberwatch.engine.queries import worker_is_alive

    if not worker_is_alive(utc_now()):
        typer.echo("No worker is running: start `emberwatch worker`, or give --wait.", err=True)
