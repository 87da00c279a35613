"""Validate feed: starting, pausing, resuming and cancelling a run. How it moves on stands in ``driving.py``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from emberwatch.accounts.actor import SYSTEM, Actor
from emberwatch.audit.services import record
from emberwatch.core.errors import Conflict
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connections_of, required_connection
from emberwatch.engine.facts import announce
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require
from emberwatch.validation.addressing import Share
from emberwatch.validation.choices import kill_switch, policy_of
from emberwatch.validation.models import (
    MOVING_STATES,
    OPEN_RUN_STATES,
    Run,
    RunOrigin,
    RunState,
    ValidationPolicy,
)
from emberwatch.validation.planning import has_questions
from emberwatch.validation.policy import Mode
from emberwatch.validation.services import require_usable

SCHEDULED_EVERY: Final = timedelta(hours=1)
PAUSED_BY: Final = "Paused by {actor}."


def start_run(tenant: Tenant, *, actor: Actor, now: datetime, directory: UUID | None = None) -> Run:
    """Starts a run over a tenant's feed, or returns the one that is open; the first of :func:`start_runs`."""
    return start_runs(tenant, actor=actor, now=now, directory=directory)[0]


def start_runs(tenant: Tenant, *, actor: Actor, now: datetime, directory: UUID | None = None) -> list[Run]:
    """A run for each of a tenant's directories that can be asked, or for the one that is named.

    Those that are open already serve too. Raises :class:`Conflict` when no directory can be asked at all.
    """
    require(actor, tenant, Permission.VALIDATE)
    return [
        _start(tenant, connection, Mode(policy_of(connection).mode), RunOrigin.PERSON, actor, now)
        for connection in _usable(tenant, directory)
    ]


def _usable(tenant: Tenant, directory: UUID | None) -> list[DirectoryConnection]:
    connections = connections_of(tenant.id) if directory is None else []
    usable, refusal = list[DirectoryConnection](), None
    for connection in connections or [required_connection(tenant.id, directory)]:
        try:
            require_usable(connection)
            usable.append(connection)
        except Conflict as error:
            refusal = refusal or error
    if refusal is not None and not usable:
        raise refusal
    return usable


def start_scheduled_runs(*, now: datetime) -> list[Run]:
    """Starts a run for every tenant whose operator lets the schedule do so, where there is something to look at."""
    if kill_switch() is not None:
        return []
    policies = ValidationPolicy.objects.exclude(automatic_mode=Mode.OFF)
    policies = policies.filter(connection__status=ConnectionStatus.ACTIVE).select_related(
        "connection__tenant"
    )
    return [_start_scheduled(policy, now) for policy in policies.order_by("pk") if _is_time(policy, now)]


def _is_time(policy: ValidationPolicy, now: datetime) -> bool:
    tenant_id, directory = policy.connection.tenant_id, policy.connection.entra_tenant_id
    lately = Run.objects.filter(
        tenant_id=tenant_id,
        entra_tenant_id=directory,
        origin=RunOrigin.SCHEDULE,
        requested_at__gt=now - SCHEDULED_EVERY,
    )
    if open_run(tenant_id, directory) is not None or lately.exists():
        return False
    confirms = policy.automatic_mode == Mode.ATTEMPTS and policy.confirm_likely
    return has_questions(Share(tenant_id, directory), now=now, confirm_likely=confirms)


def _start_scheduled(policy: ValidationPolicy, now: datetime) -> Run:
    connection, mode = policy.connection, Mode(policy.automatic_mode)
    return _start(connection.tenant, connection, mode, RunOrigin.SCHEDULE, SYSTEM, now)


def _start(
    tenant: Tenant,
    connection: DirectoryConnection,
    mode: Mode,
    origin: RunOrigin,
    actor: Actor,
    now: datetime,
) -> Run:
    try:
        with transaction.atomic():
            run = Run.objects.create(
                tenant=tenant,
                entra_tenant_id=connection.entra_tenant_id,
                origin=origin,
                mode=mode,
                requested_by=actor.label,
                requested_at=now,
            )
            _record(run, "run.started", actor, now, mode=mode.value, origin=origin.value)
            announce("run.moves", run_id=str(run.id), seconds=0)
            return run
    except IntegrityError:
        found = open_run(tenant.id, connection.entra_tenant_id)
        if found is None:
            raise
        return found


def open_run(tenant_id: UUID, entra_tenant_id: UUID | None = None) -> Run | None:
    """The open run of a tenant in a directory, or in any of them: the newest."""
    rows = Run.objects.filter(tenant_id=tenant_id, state__in=OPEN_RUN_STATES)
    if entra_tenant_id is not None:
        rows = rows.filter(entra_tenant_id=entra_tenant_id)
    return rows.order_by("-pk").first()


def pause_run(run: Run, *, actor: Actor, now: datetime) -> Run:
    """Nothing more is asked or sent for the run until somebody resumes it; a sign-in under way is waited for."""
    sentence = PAUSED_BY.format(actor=actor.label)
    return _move(run, MOVING_STATES, RunState.PAUSED, sentence, "run.paused", actor, now)


def resume_run(run: Run, *, actor: Actor, now: datetime) -> Run:
    state = RunState.RUNNING if run.planned_at else RunState.PLANNING
    with transaction.atomic():
        run = _move(run, (RunState.PAUSED,), state, "", "run.resumed", actor, now)
        announce("run.moves", run_id=str(run.id), seconds=0)
    return run


def cancel_run(run: Run, *, actor: Actor, now: datetime) -> Run:
    """Ends the run; the verdicts that it has brought stay."""
    sentence = f"Cancelled by {actor.label}."
    return _move(run, OPEN_RUN_STATES, RunState.CANCELLED, sentence, "run.cancelled", actor, now)


def _move(
    run: Run,
    out_of: tuple[RunState, ...],
    state: RunState,
    sentence: str,
    action: str,
    actor: Actor,
    now: datetime,
) -> Run:
    require(actor, run.tenant, Permission.VALIDATE)
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=run.pk)
        if run.state == state:
            return run
        if run.state not in out_of:
            raise Conflict(f"The run is {run.get_state_display().lower()}.")
        run.state, run.sentence, run.next_at = state, sentence[:500], None
        run.finished_at = now if state is RunState.CANCELLED else None
        run.save(update_fields=["state", "sentence", "next_at", "finished_at"])
        _record(run, action, actor, now)
    return run


def _record(run: Run, action: str, actor: Actor, now: datetime, **facts: str) -> None:
    record(run.tenant_id, action, f"run:{run.id}", actor=actor, now=now, facts=facts)
