"""The rows of ``--json`` for remediation: the same field names as the API's."""

from __future__ import annotations

from typing import Any, Final

from emberwatch.remediation.models import RemediationPlan, RemediationStep
from emberwatch.remediation.policy import Offer
from emberwatch.remediation.services import Proposal, undoable

_PLAN: Final = (
    "id",
    "credential_id",
    "entra_tenant_id",
    "state",
    "sentence",
    "reason",
    "requested_by",
    "requested_at",
    "needs_second_person",
    "approved_by",
    "approved_at",
    "finished_at",
    "notice",
)
_STEP: Final = (
    "position",
    "kind",
    "state",
    "sentence",
    "remedy",
    "before",
    "after",
    "client_request_id",
    "request_id",
    "requested_at",
    "applied_at",
    "confirmed_at",
    "next_look_at",
)


def plan(row: RemediationPlan) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _PLAN} | {
        "object_id": row.identity.object_id,
        "user_principal_name": row.identity.user_principal_name,
        "group_id": row.group_object_id,
        "undoes_id": row.undoes_id,
        "undoable": [str(kind) for kind in undoable(row)],
        "steps": [step(each) for each in row.steps.all()],
    }


def step(row: RemediationStep) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _STEP}


def offer(found: Offer) -> dict[str, Any]:
    return {
        "kind": str(found.kind),
        "label": found.kind.label,
        "is_offered": found.is_offered,
        "why_not": found.why_not.sentence if found.why_not else "",
        "remedy": found.why_not.remedy if found.why_not else "",
    }


def proposal(found: Proposal) -> dict[str, Any]:
    return {
        "object_id": found.identity.object_id,
        "user_principal_name": found.identity.user_principal_name,
        "steps": [str(kind) for kind in found.plan.steps],
        "needs_second_person": found.plan.needs_second_person,
        "notice": found.plan.notice,
    }
