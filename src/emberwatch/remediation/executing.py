"""Carries a plan out: each change is reserved in a committed row, sent once, and written down.

A process may die at any point. A step that is ``requested`` is never sent again, whoever finds it so: reading the
account back decides what became of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction

from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import BadInput
from emberwatch.directories.actions import (
    WORDS,
    AccountState,
    ActionKind,
    OutcomeUnknown,
    Refused,
    Remediator,
    is_so_already,
)
from emberwatch.directories.base import Directory, DirectoryBusy, DirectoryError, DirectoryUnreachable
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connection_to
from emberwatch.directories.services import shared_directory
from emberwatch.engine.facts import announce
from emberwatch.remediation.looking import fresh_target
from emberwatch.remediation.models import (
    MOVING_STATES,
    PlanState,
    RemediationPlan,
    RemediationStep,
    StepState,
)
from emberwatch.remediation.policy import make_plan
from emberwatch.remediation.safeguards import safeguards
from emberwatch.remediation.services import audit, locked_plan
from emberwatch.remediation.settling import LOOKS, actor_of, announce_look, settle
from emberwatch.remediation.states import as_json

Opener = Callable[[DirectoryConnection], Directory]

# How often a change is offered to a directory that does not take it, and the longest wait in between.
MOST_TRIES: Final = 10
SHORTEST_WAIT: Final = 5.0
LONGEST_WAIT: Final = 600.0
LOOK_AGAIN: Final = 60.0
# Longer than a request can be under way: nobody reads back what may still be on its way.
ON_ITS_WAY: Final = timedelta(minutes=1)
_NOT_NOW: Final = (DirectoryBusy, DirectoryUnreachable)


@dataclass(frozen=True, slots=True)
class _Job:
    plan: RemediationPlan
    connection: DirectoryConnection
    directory: Directory
    remediator: Remediator
    clock: Clock


class _PutOff(Exception):
    """The rest of the plan has to wait."""

    def __init__(self, seconds: float, sentence: str) -> None:
        super().__init__()
        self.seconds, self.sentence = seconds, sentence


def execute_plan(plan_id: UUID, *, clock: Clock = utc_now, directory_for: Opener = shared_directory) -> None:
    """Moves a plan on as far as it goes now. Safe to repeat."""
    plan = RemediationPlan.objects.select_related("identity", "tenant").get(pk=plan_id)
    if plan.state not in MOVING_STATES:
        return
    try:
        _carry_out(plan, clock, directory_for)
    except _PutOff as wait:
        _put_off(plan, wait, clock())
    with transaction.atomic():
        announce_look(plan.pk, clock())


def _carry_out(plan: RemediationPlan, clock: Clock, directory_for: Opener) -> None:
    planned = list(plan.steps.filter(state=StepState.PLANNED))
    if not planned:
        return
    connection = connection_to(plan.tenant_id, plan.entra_tenant_id)
    why = _why_stopped(connection)
    if why or connection is None:
        raise _PutOff(LOOK_AGAIN, why)
    directory = directory_for(connection)
    if not isinstance(directory, Remediator):
        raise _PutOff(LOOK_AGAIN, "This kind of directory cannot be changed by Emberwatch.")
    job = _Job(plan, connection, directory, directory, clock)
    if _is_as_approved(job, planned):
        for step in planned:
            _take(job, step)


def _why_stopped(connection: DirectoryConnection | None) -> str:
    stopped = safeguards().why_stopped()
    if stopped:
        return f"The kill switch of this installation is on: {stopped}"
    if connection is None:
        return "The tenant is not connected to this account's directory any more."
    if connection.status != ConnectionStatus.ACTIVE:
        return connection.status_sentence or "The directory connection is not active."
    return ""


def _put_off(plan: RemediationPlan, wait: _PutOff, now: datetime) -> None:
    with transaction.atomic():
        fresh = locked_plan(plan.pk)
        if fresh.state not in MOVING_STATES:
            return
        fresh.sentence = wait.sentence[:500]
        fresh.next_at = now + timedelta(seconds=wait.seconds)
        fresh.save(update_fields=["sentence", "next_at"])
        announce("remediation.moves", plan_id=str(plan.pk), seconds=max(1, round(wait.seconds)))


def _is_as_approved(job: _Job, planned: list[RemediationStep]) -> bool:
    """What was approved may no longer hold: the account may have become privileged, protected or gone."""
    plan = job.plan
    try:
        target = fresh_target(job.connection, plan.identity, job.directory, plan.group_object_id)
        found = make_plan(target, [ActionKind(step.kind) for step in planned])
    except BadInput as error:
        for step in planned:
            _fail(job, step, error.message, error.remedy, out_of=(StepState.PLANNED,))
        return False
    except _NOT_NOW as error:
        raise _PutOff(_wait(error, 0), error.message) from None
    except DirectoryError as error:
        raise _PutOff(LOOK_AGAIN, error.message) from None
    if found.needs_second_person and plan.approved_by == plan.requested_by:
        _ask_again(plan, found.needs_second_person, job.clock())
        return False
    return True


def _ask_again(plan: RemediationPlan, because: str, now: datetime) -> None:
    with transaction.atomic():
        fresh = locked_plan(plan.pk)
        if fresh.state not in MOVING_STATES:
            return
        actor = actor_of(fresh)
        fresh.state, fresh.needs_second_person = PlanState.AWAITING_APPROVAL, because[:500]
        fresh.approved_by, fresh.approved_at = "", None
        fresh.save()
        audit(fresh, "remediation.approval_withdrawn", actor, now, reason=because)


def _take(job: _Job, step: RemediationStep) -> None:
    kind, plan = ActionKind(step.kind), job.plan
    try:
        before = job.remediator.read_state(kind, plan.identity.object_id, plan.group_object_id)
    except _NOT_NOW as error:
        raise _later(job, step, error) from None
    except DirectoryError as error:
        _fail(job, step, error.message, error.remedy, out_of=(StepState.PLANNED,))
        return
    # What was changed a moment ago may not be visible yet, so an undo does not take "already" for an answer.
    if is_so_already(kind, before) and plan.undoes_id is None:
        _settle(job, step, (StepState.PLANNED,), StepState.SKIPPED, "It was so already.", after=before)
        return
    reserved = _reserve(job, step, before)
    if reserved is None:
        raise _PutOff(1, "")
    _send(job, reserved, kind)


def _reserve(job: _Job, step: RemediationStep, before: AccountState) -> RemediationStep | None:
    """Writes down that it is about to be sent, or ``None`` when it must not be sent any more."""
    now = job.clock()
    with transaction.atomic(durable=True):
        plan = locked_plan(job.plan.pk)
        step = RemediationStep.objects.get(pk=step.pk)
        may_move = plan.state in MOVING_STATES and step.state == StepState.PLANNED
        if not may_move or _why_stopped(connection_to(plan.tenant_id, plan.entra_tenant_id)):
            return None
        step.state, step.before, step.client_request_id = StepState.REQUESTED, as_json(before), uuid4()
        step.requested_at, step.looks, step.next_look_at = now, 0, now + ON_ITS_WAY
        step.save()
        plan.state, plan.sentence, plan.next_at = PlanState.RUNNING, "", None
        plan.save(update_fields=["state", "sentence", "next_at"])
        _stop_looking_for_what_is_taken_back(plan, ActionKind(step.kind))
        facts = {"kind": step.kind, "client_request_id": str(step.client_request_id)}
        audit(plan, "remediation.step_requested", actor_of(plan), now, **facts)
    return step


def _stop_looking_for_what_is_taken_back(plan: RemediationPlan, kind: ActionKind) -> None:
    """A change that people take back themselves has not drifted."""
    opposites = [other for other, words in WORDS.items() if words.undone_by is kind]
    RemediationStep.objects.filter(
        plan__identity_id=plan.identity_id,
        plan__group_object_id=plan.group_object_id if kind.needs_group else None,
        kind__in=opposites,
        state=StepState.CONFIRMED,
    ).update(next_look_at=None)


def _send(job: _Job, step: RemediationStep, kind: ActionKind) -> None:
    plan, out_of = job.plan, (StepState.REQUESTED,)
    request_id = step.client_request_id
    if request_id is None:
        raise ValueError("a step is reserved before it is sent")
    try:
        applied = job.remediator.apply(kind, plan.identity.object_id, request_id, plan.group_object_id)
    except OutcomeUnknown as error:
        _note_unknown(step, f"{error.message} {error.remedy}".strip(), job.clock())
    except Refused as error:
        _fail(job, step, error.message, error.remedy, out_of=out_of)
    except _NOT_NOW as error:
        raise _later(job, step, error) from None
    except DirectoryError as error:
        _fail(job, step, error.message, error.remedy, out_of=out_of)
    else:
        settle(
            step.pk,
            out_of,
            StepState.APPLIED,
            job.clock(),
            sentence="The directory took it; whether it is so is being read back.",
            request_id=applied.request_id,
        )


def _note_unknown(step: RemediationStep, sentence: str, now: datetime) -> None:
    RemediationStep.objects.filter(pk=step.pk, state=StepState.REQUESTED).update(
        sentence=sentence[:500], next_look_at=now + LOOKS[0]
    )


def _later(job: _Job, step: RemediationStep, error: DirectoryError) -> Exception:
    """The directory has not acted: the step is planned as before, and the plan waits, but not for ever."""
    tries = step.tries + 1
    if tries >= MOST_TRIES:
        _fail(job, step, f"The directory did not take it in {tries} tries. {error.message}", error.remedy)
        return _PutOff(1, error.message)
    RemediationStep.objects.filter(pk=step.pk, state__in=(StepState.PLANNED, StepState.REQUESTED)).update(
        state=StepState.PLANNED, tries=tries, sentence=error.message[:500], next_look_at=None
    )
    return _PutOff(_wait(error, tries), error.message)


def _wait(error: DirectoryError, tries: int) -> float:
    told = error.retry_after
    return (
        max(told if told is not None else SHORTEST_WAIT * 2**tries, 1.0)
        if told
        else min(SHORTEST_WAIT * 2**tries, LONGEST_WAIT)
    )


def _fail(
    job: _Job,
    step: RemediationStep,
    sentence: str,
    remedy: str,
    *,
    out_of: tuple[StepState, ...] = (StepState.PLANNED, StepState.REQUESTED),
) -> None:
    settle(step.pk, out_of, StepState.FAILED, job.clock(), sentence=sentence, remedy=remedy)


def _settle(
    job: _Job,
    step: RemediationStep,
    out_of: tuple[StepState, ...],
    state: StepState,
    sentence: str,
    after: AccountState | None = None,
) -> None:
    settle(step.pk, out_of, state, job.clock(), sentence=sentence, after=after)
