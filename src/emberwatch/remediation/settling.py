"""Writes down what became of a step; every move is one transaction with its audit row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.directories.actions import READ_BACK, AccountState, ActionKind
from emberwatch.engine.facts import announce
from emberwatch.remediation.models import (
    MOVING_STATES,
    UNSETTLED_STEPS,
    PlanState,
    RemediationPlan,
    RemediationStep,
    StepState,
)
from emberwatch.remediation.services import audit, locked_plan
from emberwatch.remediation.states import as_json

# How long after one look the next one follows, until the change is seen.
LOOKS: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 30, 2 * 60, 10 * 60, 30 * 60, 60 * 60))
# And when it is looked at again afterwards, because something may take it back.
DRIFT_LOOKS: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=7))


def actor_of(plan: RemediationPlan) -> Actor:
    """On whose behalf it is carried out."""
    return Actor(label=plan.approved_by)


def settle(
    step_id: UUID,
    out_of: tuple[StepState, ...],
    state: StepState,
    now: datetime,
    *,
    sentence: str = "",
    remedy: str = "",
    after: AccountState | None = None,
    request_id: str = "",
) -> bool:
    """Moves a step on, unless somebody else has moved it; then nothing is written and the answer is false."""
    with transaction.atomic():
        plan_id = RemediationStep.objects.values_list("plan_id", flat=True).get(pk=step_id)
        plan = locked_plan(plan_id)
        step = RemediationStep.objects.get(pk=step_id)
        if step.state not in out_of:
            return False
        step.state, step.sentence, step.remedy = state, sentence[:500], remedy[:500]
        step.request_id = request_id or step.request_id
        if after is not None:
            step.after = as_json(after)
        _date(step, now)
        step.save()
        facts = {"kind": step.kind, "client_request_id": str(step.client_request_id or "")}
        audit(plan, f"remediation.step_{state.value}", actor_of(plan), now, **facts)
        announce("remediation.step_moved", plan_id=str(plan.pk), step_id=str(step.pk), state=state.value)
        end_if_settled(plan, now)
    return True


def _date(step: RemediationStep, now: datetime) -> None:
    step.next_look_at = None
    if step.state == StepState.APPLIED:
        step.applied_at, step.looks, step.next_look_at = now, 0, now + LOOKS[0]
    elif step.state == StepState.CONFIRMED:
        lasts = READ_BACK[ActionKind(step.kind)].lasts
        step.confirmed_at, step.looks = now, 0
        step.next_look_at = now + DRIFT_LOOKS[0] if lasts else None


def end_if_settled(plan: RemediationPlan, now: datetime) -> None:
    """Needs a transaction that holds the plan's row."""
    if plan.state not in MOVING_STATES or plan.steps.filter(state__in=UNSETTLED_STEPS).exists():
        return
    plan.state, plan.finished_at, plan.next_at = PlanState.DONE, now, None
    plan.save(update_fields=["state", "finished_at", "next_at"])
    states = {step.kind: step.state for step in plan.steps.all()}
    audit(plan, "remediation.finished", actor_of(plan), now, steps=states)
    announce("remediation.finished", plan_id=str(plan.pk), tenant_id=str(plan.tenant_id))


def announce_look(plan_id: UUID, now: datetime) -> None:
    """One job for the next look that is due, if any is."""
    due = RemediationStep.objects.filter(plan_id=plan_id, next_look_at__isnull=False)
    first = due.order_by("next_look_at").values_list("next_look_at", flat=True).first()
    if first is not None:
        seconds = max(1, round((first - now).total_seconds()))
        announce("remediation.look_due", plan_id=str(plan_id), due=first.isoformat(), seconds=seconds)
