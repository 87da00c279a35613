"""The whole flow in one table: which jobs follow which fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task

from emberwatch.directories.tasks import forget_calls
from emberwatch.engine.facts import FactHandler
from emberwatch.exposures.tasks import link
from emberwatch.identities import tasks as identities
from emberwatch.ingestion import tasks as ingestion
from emberwatch.remediation import tasks as remediation
from emberwatch.remediation.safeguards import ProtectedPair, Safeguards
from emberwatch.validation.choices import kill_switch, protected_of
from emberwatch.validation.tasks import (
    drive_run,
    move_stalled_runs,
    start_scheduled,
    validate,
    wake_all_runs,
    wake_runs,
    withdraw_changed,
)


def _plan_import(*, import_id: str) -> None:
    ingestion.plan.defer(import_id=import_id)


def _read_piece(*, piece_id: str) -> None:
    ingestion.piece.configure(lock=f"piece:{piece_id}").defer(piece_id=piece_id)


def _read_piece_later(*, piece_id: str, seconds: int) -> None:
    ingestion.piece.configure(lock=f"piece:{piece_id}", schedule_in={"seconds": seconds}).defer(
        piece_id=piece_id
    )


def _validate(*, validation_id: str, order_by: str) -> None:
    validate.configure(lock=f"login:{order_by}").defer(validation_id=validation_id)


def _validate_later(*, validation_id: str, order_by: str, seconds: int) -> None:
    validate.configure(lock=f"login:{order_by}", schedule_in={"seconds": seconds}).defer(
        validation_id=validation_id
    )


def _drive(*, run_id: str, seconds: int) -> None:
    later = drive_run.configure(schedule_in={"seconds": seconds}) if seconds else drive_run
    later.defer(run_id=run_id)


def _wake_runs(*, tenant_id: str) -> None:
    wake_runs.defer(tenant_id=tenant_id)


def _undo_import(*, import_id: str) -> None:
    ingestion.undo.configure(lock=f"undo:{import_id}").defer(import_id=import_id)


def _read_directory(*, sync_id: str, seconds: int) -> None:
    """One waiting job for each reading is enough."""
    job = identities.sync.configure(queueing_lock=f"sync:{sync_id}", schedule_in={"seconds": seconds})
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(sync_id=sync_id)


def _withdraw_changed(*, tenant_id: str, identity_ids: list[str]) -> None:
    withdraw_changed.defer(tenant_id=tenant_id, identity_ids=identity_ids)


def _remediate(*, plan_id: str, seconds: int) -> None:
    """One waiting job is enough, and a person's approval does not wait for one that was put off."""
    when = "later" if seconds else "now"
    job = remediation.execute.configure(
        queueing_lock=f"remediation:{plan_id}:{when}", schedule_in={"seconds": seconds}
    )
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(plan_id=plan_id)


def _read_back(*, plan_id: str, due: str, seconds: int) -> None:
    """One job for each time at which something is due, however often it is asked for."""
    job = remediation.look.configure(queueing_lock=f"look:{plan_id}:{due}", schedule_in={"seconds": seconds})
    with suppress(AlreadyEnqueued), transaction.atomic():
        job.defer(plan_id=plan_id)


def _why_stopped() -> str:
    switch = kill_switch()
    return switch.reason if switch is not None else ""


def _protected_of(entra_tenant_id: UUID) -> frozenset[ProtectedPair]:
    return frozenset((str(each.kind), each.value) for each in protected_of(entra_tenant_id))


# What validation keeps and remediation has to heed; the two do not know each other.
SAFEGUARDS: Final = Safeguards(why_stopped=_why_stopped, protected_of=_protected_of)


def _link(**_: object) -> None:
    _once(link)()


def _wake_all_runs() -> None:
    wake_all_runs.defer()


def _once(task: Task[..., Any, ...]) -> FactHandler:
    """Every worker tells that time has passed; one waiting job is enough."""

    def defer() -> None:
        # The refusal breaks its own transaction only, not that of what else follows the fact.
        with suppress(AlreadyEnqueued), transaction.atomic():
            task.defer()

    return defer


# Facts without a job stand here too: the table names everything that services announce.
FACTS: Final[Mapping[str, Sequence[FactHandler]]] = {
    "time.passed": (
        _once(ingestion.watch),
        _once(ingestion.tidy),
        _once(forget_calls),
        _once(move_stalled_runs),
        _once(start_scheduled),
        _once(identities.start_due),
        _once(link),
        _once(remediation.move_stalled_plans),
    ),
    "import.requested": (_plan_import,),
    "import.piece_ready": (_read_piece,),
    "import.piece_postponed": (_read_piece_later,),
    "import.finished": (_link,),
    "import.undo_requested": (_undo_import,),
    "import.undone": (),
    # One for a batch of credentials, with the ids of the new ones.
    "credential.recorded": (),
    "directory.checked": (_wake_runs,),
    "directory.sync_moves": (_read_directory,),
    "directory.synced": (_link,),
    # One for a page of accounts, with our ids of those whose password was changed.
    "identity.passwords_changed": (_withdraw_changed,),
    "directory.halted": (),
    "directory.removed": (_link, _wake_runs),
    "validation.choices_saved": (_wake_runs,),
    "kill_switch.thrown": (),
    "kill_switch.lifted": (_wake_all_runs,),
    "validation.requested": (_validate,),
    "validation.postponed": (_validate_later,),
    "run.moves": (_drive,),
    "run.finished": (),
    # One for a batch of credentials, with their ids.
    "credential.verdict_set": (),
    "remediation.requested": (),
    "remediation.moves": (_remediate,),
    "remediation.look_due": (_read_back,),
    # With the state that a step has come to: applied, confirmed, drifted, failed, skipped.
    "remediation.step_moved": (),
    "remediation.finished": (),
}
