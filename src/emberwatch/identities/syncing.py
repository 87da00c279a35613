"""Moves a reading of a directory on, page by page, until it is complete or has to wait.

All that counts stands in the database: a process may die between any two pages, and whoever comes next goes on at
the last one. Errors of the directory are waited out; what a person has to mend stands in the row's sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog
from django.db import transaction

from emberwatch.core.clock import Clock, utc_now
from emberwatch.directories.base import (
    Directory,
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    NotOffered,
)
from emberwatch.directories.changes import Readable, Reader
from emberwatch.directories.gate import gate_of, hold_reads
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.services import shared_directory
from emberwatch.engine.facts import announce
from emberwatch.identities import leases
from emberwatch.identities.models import DirectorySync, SyncState
from emberwatch.identities.services import locked_sync
from emberwatch.identities.stages import STAGES, At, Stage, Step, first_stage, opened, sealed, stage_after

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(hours=1)
"""Between the end of a reading and the next one by itself."""
SLICE: Final = timedelta(minutes=1)
"""A job reads so long, then the next one goes on: a worker that ends is not kept waiting."""
LEASED_ELSEWHERE: Final = timedelta(seconds=15)
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_WAIT: Final = timedelta(minutes=30)
MENDED_BY_A_PERSON: Final = timedelta(hours=1)

DirectoryFor = Callable[[DirectoryConnection], Directory]
Sleep = Callable[[float], None]


class LeaseLost(Exception):
    """Another process reads this directory: nothing of ours may be stored any more."""


@dataclass(slots=True)
class _Reading:
    sync: DirectorySync
    reader: Reader
    holder: UUID
    clock: Clock
    sleep: Sleep


def sync_directory(
    sync_id: UUID,
    *,
    clock: Clock = utc_now,
    directory_for: DirectoryFor = shared_directory,
    sleep: Sleep = time.sleep,
    for_at_most: timedelta | None = SLICE,
) -> timedelta | None:
    """Reads on for a while. Returns after how long to go on, or ``None`` when there is nothing more to do."""
    sync = DirectorySync.objects.select_related("connection").filter(pk=sync_id).first()
    if sync is None or not sync.is_open or sync.connection.status == ConnectionStatus.DISABLED:
        return None
    waits = _must_wait(sync, clock())
    if waits is not None:
        return waits
    holder = uuid4()
    if not leases.take(sync.entra_tenant_id, holder, clock()):
        return LEASED_ELSEWHERE
    try:
        return _held(sync, holder, clock, directory_for, sleep, for_at_most)
    except LeaseLost:
        log.warning("sync_lease_lost", sync_id=str(sync_id))
        return LEASED_ELSEWHERE
    finally:
        leases.release(sync.entra_tenant_id, holder)


def _must_wait(sync: DirectorySync, now: datetime) -> timedelta | None:
    """Until its own time after a failure, or until the time that the directory asked everybody to wait for."""
    until = [sync.next_at, gate_of(sync.entra_tenant_id).reads_not_before]
    latest = max((moment for moment in until if moment is not None), default=now)
    return latest - now if latest > now else None


def _held(
    sync: DirectorySync,
    holder: UUID,
    clock: Clock,
    directory_for: DirectoryFor,
    sleep: Sleep,
    for_at_most: timedelta | None,
) -> timedelta | None:
    try:
        directory = directory_for(sync.connection)
        if not isinstance(directory, Readable):
            raise DirectoryMisconfigured("This directory cannot be read as a whole.")
        reading = _Reading(_begun(sync, clock()), directory.reader(), holder, clock, sleep)
        return _read_on(reading, for_at_most)
    except DirectoryError as error:
        return _failed(sync.pk, holder, error, clock())


def _begun(sync: DirectorySync, now: datetime) -> DirectorySync:
    """The row as it goes on: a new reading begins where no earlier one was interrupted."""
    with transaction.atomic():
        sync = locked_sync(sync.connection)
        if not sync.stage:
            sync.stage, sync.sealed_position, sync.counts = first_stage(), None, {}
            sync.started_at = now
        sync.state = SyncState.RUNNING
        sync.save()
    return sync


def _read_on(reading: _Reading, for_at_most: timedelta | None) -> timedelta | None:
    end = None if for_at_most is None else reading.clock() + for_at_most
    while reading.sync.stage:
        pause = _page(reading)
        if end is not None and reading.clock() + timedelta(seconds=pause) >= end:
            return timedelta(seconds=pause) if reading.sync.stage else None
        if pause and reading.sync.stage:
            reading.sleep(pause)
    return None


def _page(reading: _Reading) -> float:
    """Asks for one page, stores it with the place to go on at, and returns how long to wait before the next."""
    sync, now = reading.sync, reading.clock()
    stage = Stage(sync.stage)
    at = At(sync, reading.reader, now, opened(sync, sync.sealed_position, "position"))
    refused: NotOffered | None = None
    try:
        step = STAGES[stage].take(at)
    except NotOffered as error:
        if not STAGES[stage].optional:
            raise
        step, refused = Step(dict, ends=True), error
    with transaction.atomic():
        if not leases.renew(sync.entra_tenant_id, reading.holder, reading.clock()):
            raise LeaseLost
        at.sync = reading.sync = _locked(sync.pk)
        if _place(at.sync) == _place(sync):
            _write(at.sync, stage, step, refused, reading.clock())
    return step.pause


def _locked(sync_id: UUID) -> DirectorySync:
    found = DirectorySync.objects.select_for_update(of=("self",)).select_related("connection")
    sync = found.filter(pk=sync_id).first()
    if sync is None:
        # The connection was removed while we read.
        raise LeaseLost
    return sync


def _place(sync: DirectorySync) -> tuple[object, ...]:
    """What a page belongs to: where somebody has begun anew meanwhile, it is not stored."""
    position = bytes(sync.sealed_position) if sync.sealed_position else None
    return sync.entra_tenant_id, sync.group_id, sync.stage, position


def _write(sync: DirectorySync, stage: Stage, step: Step, refused: NotOffered | None, now: datetime) -> None:
    _count(sync, {**step.store(), "pages": 1, "resource_units": step.units})
    sync.failures, sync.sentence, sync.next_at = 0, "", None
    if not step.ends:
        sync.sealed_position = sealed(sync, step.position, "position")
        sync.save()
        return
    _note_end(sync, stage, refused, now)
    following = stage_after(stage, sync, now)
    sync.stage, sync.sealed_position = following or "", None
    if following is None:
        _finish(sync, now)
    sync.save()


def _count(sync: DirectorySync, more: dict[str, int]) -> None:
    sync.counts = {
        name: sync.counts.get(name, 0) + more.get(name, 0) for name in dict.fromkeys((*sync.counts, *more))
    }


def _note_end(sync: DirectorySync, stage: Stage, refused: NotOffered | None, now: datetime) -> None:
    if refused is None:
        sync.refusals = {name: told for name, told in sync.refusals.items() if name != stage}
        sync.read_ats = {**sync.read_ats, stage: now.isoformat()}
        return
    told = {
        "because": refused.message,
        "remedy": refused.remedy,
        "code": refused.code,
        "asked_at": now.isoformat(),
    }
    sync.refusals = {**sync.refusals, stage: told}


def _finish(sync: DirectorySync, now: datetime) -> None:
    sync.state, sync.is_asked_for = SyncState.IDLE, False
    sync.finished_at, sync.next_at = now, now + EVERY
    announce("directory.synced", tenant_id=str(sync.tenant_id))


def _failed(sync_id: UUID, holder: UUID, error: DirectoryError, now: datetime) -> timedelta | None:
    """Keeps the place. What a person has to mend is tried again later by itself, everything else soon."""
    with transaction.atomic():
        sync = DirectorySync.objects.select_for_update().get(pk=sync_id)
        if not leases.renew(sync.entra_tenant_id, holder, now):
            raise LeaseLost
        if isinstance(error, DirectoryBusy) and error.retry_after is not None:
            hold_reads(sync.entra_tenant_id, error.retry_after, now)
        misconfigured = isinstance(error, DirectoryMisconfigured)
        sync.failures += 1
        wait = MENDED_BY_A_PERSON if misconfigured else _wait_after(error, sync.failures)
        sync.state = SyncState.FAILED if misconfigured else SyncState.WAITING
        sync.sentence, sync.next_at = str(error), now + wait
        sync.save()
    log.warning("sync_interrupted", sync_id=str(sync_id), code=error.code, failures=sync.failures)
    return None if misconfigured else wait


def _wait_after(error: DirectoryError, failures: int) -> timedelta:
    told = error.retry_after if isinstance(error, DirectoryBusy) else None
    own = FIRST_WAIT.total_seconds() * 2.0 ** min(failures - 1, 10)
    return min(timedelta(seconds=max(own, told or 0.0)), LONGEST_WAIT)


def due_syncs(now: datetime) -> list[DirectorySync]:
    """Makes the readings ready whose time has come, and names those that nobody moves on any more."""
    connections = DirectoryConnection.objects.filter(status=ConnectionStatus.ACTIVE).order_by("pk")
    return [sync for connection in connections if (sync := _due(connection, now)) is not None]


def _due(connection: DirectoryConnection, now: datetime) -> DirectorySync | None:
    with transaction.atomic():
        sync = locked_sync(connection)
        if sync.next_at is not None and sync.next_at > now:
            return None
        if sync.state == SyncState.RUNNING:
            # Whoever read it has died, or has just begun.
            return sync if leases.is_free(sync.entra_tenant_id, now) else None
        if sync.state != SyncState.WAITING:
            sync.state, sync.requested_by, sync.requested_at = SyncState.WAITING, "schedule", now
            sync.save()
        return sync
