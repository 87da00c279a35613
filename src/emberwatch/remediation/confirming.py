"""Reads an account back until a change is seen, and later on whether something took it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.core.clock import Clock, utc_now
from emberwatch.directories.actions import (
    AccountState,
    ActionKind,
    Refused,
    Remediator,
    is_proved,
    is_seen,
    still_holds,
)
from emberwatch.directories.base import Directory, DirectoryError
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connection_to
from emberwatch.directories.services import shared_directory
from emberwatch.remediation.models import (
    MOVING_STATES,
    RemediationPlan,
    RemediationStep,
    StepState,
)
from emberwatch.remediation.settling import DRIFT_LOOKS, LOOKS, announce_look, settle
from emberwatch.remediation.states import as_json, from_json

Opener = Callable[[DirectoryConnection], Directory]

AFTER_TROUBLE: Final = timedelta(minutes=1)
# A directory that cannot be read for so long leaves us without knowledge.
LONGEST_DOUBT: Final = timedelta(days=1)
STALLED_AFTER: Final = timedelta(minutes=2)
_UNSEEN: Final = (StepState.REQUESTED, StepState.APPLIED)
_LOOKED_AT: Final = (*_UNSEEN, StepState.CONFIRMED)

NOT_KNOWN: Final = (
    "It is not known whether the directory did this: no answer came, and reading the account back "
    "did not show it."
)
NOT_SEEN: Final = "The directory said yes, but reading the account back did not show it."
DRIFTED: Final = "It was so, and it is not any more: something or somebody has taken it back."
GONE: Final = "The account is not in the directory any more."
OPEN_IT: Final = "Open the account in the admin center and look there."


@dataclass(frozen=True, slots=True)
class _Job:
    plan: RemediationPlan
    remediator: Remediator
    clock: Clock


def look_at_plan(plan_id: UUID, *, clock: Clock = utc_now, directory_for: Opener = shared_directory) -> None:
    """Looks at every step of a plan whose time has come. Safe to repeat."""
    plan = RemediationPlan.objects.select_related("identity", "tenant").get(pk=plan_id)
    due = list(plan.steps.filter(state__in=_LOOKED_AT, next_look_at__lte=clock()))
    job = _job(plan, clock, directory_for) if due else None
    for step in due:
        if job is None:
            _trouble(step, None, clock())
        else:
            _look(job, step)
    with transaction.atomic():
        announce_look(plan.pk, clock())


def _job(plan: RemediationPlan, clock: Clock, directory_for: Opener) -> _Job | None:
    connection = connection_to(plan.tenant_id, plan.entra_tenant_id)
    if connection is None or connection.status == ConnectionStatus.DISABLED:
        return None
    directory = directory_for(connection)
    return _Job(plan, directory, clock) if isinstance(directory, Remediator) else None


def _look(job: _Job, step: RemediationStep) -> None:
    kind, plan = ActionKind(step.kind), job.plan
    try:
        now = job.remediator.read_state(kind, plan.identity.object_id, plan.group_object_id)
    except Refused as error:
        _gone(step, error, job.clock())
    except DirectoryError as error:
        _trouble(step, error, job.clock())
    else:
        before = from_json(step.before or {"read_at": now.read_at.isoformat()})
        if step.state == StepState.CONFIRMED:
            _look_for_drift(step, before, now, job.clock())
        elif _shows(step, kind, before, now):
            settle(
                step.pk, _UNSEEN, StepState.CONFIRMED, job.clock(), after=now, sentence="Read back and seen."
            )
        else:
            _not_yet(step, now, job.clock())


def _shows(step: RemediationStep, kind: ActionKind, before: AccountState, now: AccountState) -> bool:
    answered = step.state == StepState.APPLIED
    return is_seen(kind, before, now) if answered else is_proved(kind, before, now)


def _not_yet(step: RemediationStep, now: AccountState, at: datetime) -> None:
    looks = step.looks + 1
    if looks < len(LOOKS):
        _again(step, at + LOOKS[looks], looks, now)
        return
    sentence = NOT_KNOWN if step.state == StepState.REQUESTED else NOT_SEEN
    settle(step.pk, _UNSEEN, StepState.FAILED, at, sentence=sentence, remedy=OPEN_IT, after=now)


def _look_for_drift(step: RemediationStep, before: AccountState, now: AccountState, at: datetime) -> None:
    if not still_holds(ActionKind(step.kind), before, now):
        settle(step.pk, (StepState.CONFIRMED,), StepState.DRIFTED, at, sentence=DRIFTED, after=now)
        return
    looks = step.looks + 1
    _again(step, at + DRIFT_LOOKS[looks] if looks < len(DRIFT_LOOKS) else None, looks, now)


def _again(step: RemediationStep, at: datetime | None, looks: int, now: AccountState | None) -> None:
    facts = {"after": as_json(now)} if now is not None else {}
    # Not when somebody has moved the step meanwhile: what was read belongs to what it was before.
    RemediationStep.objects.filter(pk=step.pk, state=step.state, next_look_at=step.next_look_at).update(
        next_look_at=at, looks=looks, **facts
    )


def _gone(step: RemediationStep, error: Refused, at: datetime) -> None:
    if step.state == StepState.CONFIRMED:
        _again(step, None, step.looks, None)
    else:
        settle(step.pk, _UNSEEN, StepState.FAILED, at, sentence=error.message or GONE, remedy=error.remedy)


def _trouble(step: RemediationStep, error: DirectoryError | None, at: datetime) -> None:
    """Reading failed, which says nothing about the change: the look does not count."""
    since = step.requested_at or at
    if step.state in _UNSEEN and at - since > LONGEST_DOUBT:
        settle(step.pk, _UNSEEN, StepState.FAILED, at, sentence=NOT_KNOWN, remedy=OPEN_IT)
        return
    told = timedelta(seconds=error.retry_after or 0) if error else timedelta(0)
    _again(step, at + max(told, AFTER_TROUBLE), step.looks, None)


def overdue_plans(now: datetime) -> tuple[list[UUID], list[UUID]]:
    """Plans whose job was lost: those to be carried on, and those to be looked at."""
    late = now - STALLED_AFTER
    moving = RemediationPlan.objects.filter(
        state__in=MOVING_STATES, steps__state=StepState.PLANNED, approved_at__lt=late
    ).exclude(next_at__gt=late)
    looks = RemediationStep.objects.filter(state__in=_LOOKED_AT, next_look_at__lt=late)
    return (
        list(moving.order_by("pk").values_list("pk", flat=True).distinct()),
        list(looks.order_by("plan_id").values_list("plan_id", flat=True).distinct()),
    )
