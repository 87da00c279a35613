"""Moves a run on: facts of many accounts at a time, then one sign-in after the other at the directory's pace.

A worker holds a run for a short lease and moves it on for a slice of time; then the next job goes on. All that
counts stands in the database, so a worker may die at any point: the lease ends and another goes on. An attempt
that was under way counts as spent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Final, TypeAlias
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Min, Q, QuerySet

from emberwatch.accounts.actor import Actor
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.verdict import Verdict
from emberwatch.directories.base import (
    Directory,
    DirectoryError,
    DirectoryMisconfigured,
)
from emberwatch.directories.gate import gate_of, locked_gate
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connection_to
from emberwatch.directories.services import halt, shared_directory
from emberwatch.engine.facts import announce
from emberwatch.exposures.services import NewVerdict, set_verdicts
from emberwatch.validation import evidence
from emberwatch.validation.choices import hours_of, kill_switch, limits_of, policy_of
from emberwatch.validation.ledger import settle_unknown
from emberwatch.validation.models import (
    MOVING_STATES,
    Attempt,
    AttemptState,
    ItemState,
    Run,
    RunItem,
    RunState,
)
from emberwatch.validation.planning import UNSETTLED, plan_run
from emberwatch.validation.policy import Mode
from emberwatch.validation.reading import Circumstances, hold_if_busy
from emberwatch.validation.slices import Drive, Rest, keep, mode_now
from emberwatch.validation.trying import (
    LONGEST_SLEEP,
    LOOK_AGAIN_AT_A_STOP,
    REST_AFTER_A_FAULT,
    look_at,
    try_accounts,
)

log = structlog.get_logger(__name__)

SLICE: Final = timedelta(seconds=8)
LEASE: Final = timedelta(seconds=30)
LEASE_FOR_PLANNING: Final = timedelta(minutes=10)
LOGINS_AT_ONCE: Final = 100
# Facts that an attempt rests on are at most about this old.
FACTS_STAY_FRESH: Final = timedelta(seconds=30)
MOST_ACCOUNTS_AT_ONCE: Final = 20

# Jobs have their time to the second.
EARLY: Final = timedelta(seconds=1)

Opener: TypeAlias = Callable[[DirectoryConnection], Directory]


def drive(
    run_id: UUID,
    *,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    directory_for: Opener = shared_directory,
    slice_: timedelta = SLICE,
) -> datetime | None:
    """Moves a run on for one slice and says when to go on; ``None`` when there is nothing to go on with."""
    run = _take(run_id, clock())
    if run is None:
        return None
    try:
        rest = _move(run, clock, sleep, directory_for, slice_)
    except BaseException:
        _let_go(run)
        raise
    return _settle_down(run, rest, clock())


def stalled_runs(now: datetime) -> list[Run]:
    """Runs that should be moving and are not: their job was lost, or the reason for a stop may be gone."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    due = Q(next_at__isnull=True) | Q(next_at__lte=now)
    return list(Run.objects.filter(free, due, state__in=MOVING_STATES).order_by("requested_at"))


def is_due(run_id: UUID, now: datetime) -> bool:
    """Whether a run wants to be moved on now. Of two jobs for one run the later finds nothing due, and ends."""
    due = Q(next_at__isnull=True) | Q(next_at__lte=now + EARLY)
    return Run.objects.filter(due, pk=run_id, state__in=MOVING_STATES).exists()


def wake(tenant_id: UUID | None) -> list[UUID]:
    """A tenant's moving runs, or all, which wait for nothing from now on: what they waited for may have come."""
    rows = Run.objects.filter(state__in=MOVING_STATES)
    if tenant_id is not None:
        rows = rows.filter(tenant_id=tenant_id)
    rows.update(next_at=None)
    return list(rows.values_list("pk", flat=True))


def note_failure(run_id: UUID, error: Exception) -> None:
    """A fault of our own keeps the run where it is; it is tried again in a minute."""
    log.error("run_failed", run_id=str(run_id), kind=type(error).__name__)
    sentence = (
        f"Emberwatch failed ({type(error).__name__}); the log holds the details. It tries again by itself."
    )
    Run.objects.filter(pk=run_id, state__in=MOVING_STATES).update(
        sentence=sentence, next_at=utc_now() + LOOK_AGAIN_AT_A_STOP
    )


def _take(run_id: UUID, now: datetime) -> Run | None:
    """The run with its lease, unless another worker has it or it does not move."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    until = now + LEASE
    if not Run.objects.filter(free, pk=run_id, state__in=MOVING_STATES).update(leased_until=until):
        return None
    run = Run.objects.select_related("tenant").get(pk=run_id)
    # Ours, whatever the row may hold by now: it is how this worker knows whether the run is still its own.
    run.leased_until = until
    return run


def _let_go(run: Run) -> None:
    """Ends this worker's lease, and nobody else's: it may have run out, and another has taken the run over."""
    Run.objects.filter(pk=run.pk, leased_until=run.leased_until).update(leased_until=None)


def _settle_down(run: Run, rest: Rest, now: datetime) -> datetime | None:
    """Ends the lease, writes down what the run waits for, and asks for the job that goes on."""
    with transaction.atomic():
        still = Run.objects.select_for_update().get(pk=run.pk)
        if still.leased_until != run.leased_until:
            return None
        _let_go(run)
        if still.state not in MOVING_STATES:
            return None
        still.state, still.sentence, still.next_at = rest.state, rest.sentence[:500], rest.until
        still.finished_at = now if rest.state is RunState.DONE else None
        still.save(update_fields=["state", "sentence", "next_at", "finished_at"])
        if rest.until is not None:
            seconds = max(0, ceil((rest.until - now).total_seconds()))
            announce("run.moves", run_id=str(run.id), seconds=seconds)
        if rest.state is RunState.DONE:
            announce("run.finished", run_id=str(run.id), tenant_id=str(run.tenant_id))
    return rest.until


def _move(
    run: Run, clock: Clock, sleep: Callable[[float], None], directory_for: Opener, slice_: timedelta
) -> Rest:
    connection = connection_to(run.tenant_id, run.entra_tenant_id)
    stopped = _why_stopped(run, connection)
    if stopped or connection is None:
        return Rest(clock() + LOOK_AGAIN_AT_A_STOP, RunState.STOPPED, stopped)
    policy = policy_of(connection)
    actor = Actor(label=run.requested_by)
    moved = Drive(run, connection, policy, directory_for(connection), actor, clock, sleep)
    _settle_lost_attempts(moved)
    if run.planned_at is None and keep(moved, LEASE_FOR_PLANNING):
        plan_run(run, now=clock(), confirm_likely=moved.confirms)
    try:
        return _until_the_slice_ends(moved, clock() + slice_)
    except DirectoryMisconfigured as error:
        with transaction.atomic():
            halt(connection.id, str(error), now=clock(), facts={"run": str(run.id)})
        return Rest(clock() + LOOK_AGAIN_AT_A_STOP, RunState.STOPPED, str(error))
    except DirectoryError as error:
        hold_if_busy(connection, error, clock)
        wait = timedelta(seconds=error.retry_after) if error.retry_after else REST_AFTER_A_FAULT
        return Rest(clock() + wait, RunState.WAITING, str(error))


def _why_stopped(run: Run, connection: DirectoryConnection | None) -> str:
    switch = kill_switch()
    if switch is not None:
        return f"The kill switch of this installation is on: {switch.reason}"
    if connection is None or connection.entra_tenant_id != run.entra_tenant_id:
        return "The tenant is no longer connected to the directory that this run was started for."
    if connection.status != ConnectionStatus.ACTIVE:
        return f"The directory connection is stopped: {connection.status_sentence}"
    if mode_now(run, policy_of(connection)) == Mode.OFF:
        return "Validation is off for this directory."
    return ""


def _settle_lost_attempts(moved: Drive) -> None:
    """An attempt of this run whose worker died: spent, and its answer is lost for good."""
    for attempt in Attempt.objects.filter(run=moved.run, state=AttemptState.RESERVED):
        with transaction.atomic():
            locked_gate(attempt.entra_tenant_id)
            attempt.refresh_from_db()
            if attempt.state != AttemptState.RESERVED:
                continue
            settle_unknown(attempt)
            if attempt.credential is not None and attempt.credential.verdict in UNSETTLED:
                found = evidence.of_lost_attempt(attempt.reserved_at, str(attempt.id))
                new = NewVerdict(attempt.credential, Verdict.INCONCLUSIVE, None, found)
                set_verdicts(moved.run.tenant_id, [new], actor=moved.actor, now=moved.clock())


def _until_the_slice_ends(moved: Drive, end: datetime) -> Rest:
    circumstances = Circumstances.read(moved.connection, moved.directory)
    while True:
        now = moved.clock()
        if now >= end:
            return Rest(now, RunState.RUNNING)
        if not keep(moved, LEASE):
            return Rest(None)
        rest = _step(moved, circumstances, now)
        if rest is None:
            continue
        if rest.until is None or rest.state is not RunState.WAITING:
            return rest
        wait = rest.until - moved.clock()
        if wait > min(LONGEST_SLEEP, end - now):
            return rest
        moved.sleep(max(wait.total_seconds(), 0.005))


def _step(moved: Drive, circumstances: Circumstances, now: datetime) -> Rest | None:
    """The next piece of work: facts first, then attempts, then confirmations; or what to wait for."""
    gate = gate_of(moved.run.entra_tenant_id)
    if gate.reads_not_before is not None and gate.reads_not_before > now:
        return Rest(gate.reads_not_before, RunState.WAITING, "The directory has asked Emberwatch to wait.")
    items = RunItem.objects.filter(run=moved.run)
    fresh = list(_due(items.filter(state=ItemState.FACTS), now)[:LOGINS_AT_ONCE])
    if fresh:
        look_at(moved, circumstances, fresh)
        return None
    closed = _closed_until(moved, now)
    if closed is not None:
        return closed
    if not moved.sends:
        items.exclude(state=ItemState.DONE).update(state=ItemState.DONE)
    for state in (ItemState.ATTEMPT, ItemState.CONFIRM):
        due = list(_due(items.filter(state=state), now)[: _at_once(moved)])
        if due:
            return try_accounts(moved, circumstances, due, confirming=state is ItemState.CONFIRM)
    waits = items.exclude(state=ItemState.DONE).aggregate(at=Min("not_before"))["at"]
    if waits is None:
        return Rest(None, RunState.DONE)
    return Rest(waits, RunState.WAITING, "The attempt budgets of the accounts that are left are used up.")


def _due(items: QuerySet[RunItem], now: datetime) -> QuerySet[RunItem]:
    return items.filter(Q(not_before__isnull=True) | Q(not_before__lte=now)).order_by("-score", "id")


def _closed_until(moved: Drive, now: datetime) -> Rest | None:
    hours = hours_of(moved.policy)
    opens = hours.next_open(now) if hours else now
    if opens <= now:
        return None
    return Rest(
        opens, RunState.WAITING, "Sign-ins of runs are sent only in the hours chosen for this directory."
    )


def _at_once(moved: Drive) -> int:
    pace = limits_of(moved.run.entra_tenant_id).pace
    return max(1, min(MOST_ACCOUNTS_AT_ONCE, int(FACTS_STAY_FRESH.total_seconds() * pace)))
