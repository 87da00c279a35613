"""From the rows of remediation to the shapes of the API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from emberwatch.accounts.actor import Actor
from emberwatch.api.remediation_shapes import ClosingOut, OfferOut, OffersOut, RemediationOut, StepOut
from emberwatch.api.rendering import filled
from emberwatch.exposures.models import Closing, Handling
from emberwatch.remediation.models import PlanState, RemediationPlan, RemediationStep
from emberwatch.remediation.policy import Offer
from emberwatch.remediation.services import Proposal, Wish, undoable


def offers(found: Iterable[Offer]) -> OffersOut:
    return OffersOut(items=[_offer(each) for each in found])


def _offer(found: Offer) -> OfferOut:
    return OfferOut(
        kind=found.kind,
        label=found.kind.label,
        is_offered=found.is_offered,
        why_not=found.why_not.sentence if found.why_not else "",
        remedy=found.why_not.remedy if found.why_not else "",
    )


def plan(row: RemediationPlan) -> RemediationOut:
    return filled(
        RemediationOut,
        row,
        object_id=str(row.identity.object_id),
        user_principal_name=row.identity.user_principal_name,
        group_id=_id(row.group_object_id),
        undoable=list(undoable(row)),
        steps=[filled(StepOut, step) for step in row.steps.all()],
    )


def _id(value: object) -> str | None:
    return str(value) if value else None


def proposal(wish: Wish, found: Proposal, actor: Actor, now: datetime) -> RemediationOut:
    """What a plan would be, in the shape of a plan."""
    identity = found.identity
    row = RemediationPlan(
        tenant_id=identity.tenant_id,
        identity=identity,
        credential=wish.credential,
        entra_tenant_id=identity.entra_tenant_id,
        requested_by=actor.label,
        requested_at=now,
        needs_second_person=found.plan.needs_second_person,
        notice=found.plan.notice,
        state=PlanState.AWAITING_APPROVAL,
    )
    steps = [
        RemediationStep(position=place, kind=kind) for place, kind in enumerate(found.plan.steps, start=1)
    ]
    return filled(
        RemediationOut,
        row,
        id=None,
        object_id=str(identity.object_id),
        user_principal_name=identity.user_principal_name,
        group_id=_id(found.group_id),
        undoable=[],
        steps=[filled(StepOut, step) for step in steps],
    )


def closing(row: Closing | None) -> ClosingOut:
    if row is None:
        return ClosingOut(
            handling=Handling.OPEN, scope=None, reason="", until=None, closed_by="", closed_at=None
        )
    return filled(ClosingOut, row)
