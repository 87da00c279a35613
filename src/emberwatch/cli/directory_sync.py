"""``emberwatch entra sync``: reads a tenant's whole directory here and now, with its progress."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.cli.output import AsJson, moment, print_json
from emberwatch.cli.which_directory import Which, tenant_and_connection

if TYPE_CHECKING:
    from emberwatch.directories.models import DirectoryConnection
    from emberwatch.identities.progress import SyncProgress
    from emberwatch.tenants.models import Tenant

POLL_SECONDS: Final = 2.0


def sync(
    tenant: Annotated[str, typer.Argument(help="The tenant's name or id.")],
    group: Annotated[
        str | None, typer.Option(help="Read only the members of the group with this Object ID.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="Take a limit to a group back.")] = False,
    directory: Which = "",
    as_json: AsJson = False,
) -> None:
    """Read a tenant's directory: all of it the first time, then what has changed."""
    found, connection = tenant_and_connection(tenant, directory)
    from emberwatch.accounts.actor import command_line_actor
    from emberwatch.core.clock import utc_now
    from emberwatch.core.errors import BadInput
    from emberwatch.identities.progress import progress_of
    from emberwatch.identities.services import request_sync, set_scope

    if group is not None and everybody:
        raise BadInput("Give --group or --everybody, not both.", field="group")
    actor, meant = command_line_actor(), connection.entra_tenant_id
    if group is not None or everybody:
        set_scope(found, group or "", actor=actor, now=utc_now(), directory=meant)
    request_sync(found, actor=actor, now=utc_now(), directory=meant)
    _read(connection)
    _link(found)
    _say(progress_of(connection), as_json=as_json)


def _read(connection: DirectoryConnection) -> None:
    """Reads in slices; a worker that holds the directory is waited for, and so is the directory itself."""
    from datetime import timedelta

    from emberwatch.identities.progress import progress_of
    from emberwatch.identities.queries import sync_of
    from emberwatch.identities.syncing import sync_directory

    row = sync_of(connection)
    slice_ = timedelta(seconds=POLL_SECONDS)
    while row is not None and (wait := sync_directory(row.id, for_at_most=slice_)) is not None:
        _draw(progress_of(connection))
        time.sleep(min(wait.total_seconds(), POLL_SECONDS))
    _draw(None)


def _link(tenant: Tenant) -> None:
    from emberwatch.core.clock import utc_now
    from emberwatch.exposures.linking import link_waiting

    while link_waiting(utc_now()):
        _draw_text(f"matching the credentials of {tenant.name}")
    _draw(None)


def _draw(progress: SyncProgress | None) -> None:
    if progress is None:
        _draw_text("")
    else:
        stage = progress.stage_label or progress.state.label
        _draw_text(f"{progress.accounts} accounts, {progress.groups} groups · {stage}")


def _draw_text(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def _say(progress: SyncProgress, *, as_json: bool) -> None:
    from emberwatch.cli import records
    from emberwatch.identities.models import SyncState

    if as_json:
        print_json([records.sync(progress)])
    else:
        _print(progress)
    if progress.state is SyncState.FAILED:
        raise typer.Exit(EXIT_FAILED)


def _print(progress: SyncProgress) -> None:
    counts = progress.counts
    typer.echo(f"{progress.state.label}. {progress.sentence}".strip())
    typer.echo(
        f"{progress.accounts} accounts, {progress.groups} groups. Complete: {moment(progress.finished_at)}."
    )
    typer.echo(
        f"This time: {counts['added']} new, {counts['changed']} changed, {counts['removed']} gone, "
        f"{counts['restored']} back, {counts['pages']} pages."
    )
    for each in progress.switched_off:
        typer.echo(f"Not read: {each.label}. {each.because}")
        if each.remedy:
            typer.echo(f"          {each.remedy}")
