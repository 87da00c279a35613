"""The JSON shapes of remediation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Field, Schema
from pydantic import AwareDatetime, ConfigDict

from emberwatch.api.shapes import Id
from emberwatch.directories.actions import ActionKind
from emberwatch.exposures.models import ClosingScope, Handling
from emberwatch.remediation.models import PlanState, StepState


class OfferOut(Schema):
    """One action: offered for this account, or why not."""

    kind: ActionKind
    label: str
    is_offered: bool
    why_not: str = Field(description="Empty when it is offered.")
    remedy: str = Field(description="What to do about that.")


class OffersOut(Schema):
    items: list[OfferOut] = Field(description="Every action, in the order in which a plan would do them.")


class RemediateIn(Schema):
    """What to do to the account of a credential."""

    model_config = ConfigDict(extra="forbid")

    credential_id: Annotated[str, Field(max_length=40, description="Its account is meant.")]
    actions: Annotated[list[ActionKind], Field(min_length=1, max_length=len(ActionKind))]
    group_id: Annotated[str, Field(max_length=40)] = Field(
        "", description="The object id of the group, for the actions on groups."
    )
    reason: Annotated[str, Field(max_length=500)] = Field(
        "", description="Why; written into the audit. Needed unless it is a dry run."
    )
    dry_run: bool = Field(False, description="Only say what would be done; nothing is stored.")


class ClosingIn(Schema):
    """That somebody has dealt with a credential by hand."""

    model_config = ConfigDict(extra="forbid")

    handling: Literal["remediated", "ignored"]
    scope: ClosingScope = Field(
        ClosingScope.PAIR, description="`login` covers what is found of the login later too."
    )
    reason: Annotated[str, Field(min_length=1, max_length=500, description="Written into the audit.")]
    until: AwareDatetime | None = Field(None, description="It is open again from then on.")


class ClosingOut(Schema):
    """How a credential is handled now."""

    handling: Handling
    scope: ClosingScope | None
    reason: str
    until: datetime | None
    closed_by: str
    closed_at: datetime | None


class ReasonIn(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, description="Written into the audit.")]


class StepOut(Schema):
    position: int
    kind: ActionKind
    state: StepState
    sentence: str = Field(description="What became of it.")
    remedy: str
    before: dict[str, Any] | None = Field(description="The account as it was read right before.")
    after: dict[str, Any] | None = Field(description="The account as it was read last.")
    client_request_id: Id | None = Field(description="Ours; set before anything was sent.")
    request_id: str = Field(description="The directory's own.")
    requested_at: datetime | None
    applied_at: datetime | None
    confirmed_at: datetime | None
    next_look_at: datetime | None = Field(description="When the account is read back next.")


class RemediationOut(Schema):
    """A plan for one account, and what became of it."""

    id: Id | None = Field(description="Null for a dry run.")
    credential_id: Id | None
    entra_tenant_id: Id
    object_id: Id
    user_principal_name: str
    state: PlanState
    sentence: str = Field(description="Why it waits; else empty.")
    reason: str
    requested_by: str
    requested_at: datetime
    needs_second_person: str = Field(
        description="Why somebody else than who asked has to approve; empty when anybody may."
    )
    approved_by: str
    approved_at: datetime | None
    finished_at: datetime | None
    notice: str = Field(description="What people have to do elsewhere, such as in Active Directory.")
    group_id: Id | None
    undoes_id: Id | None = Field(description="The plan that this one takes back.")
    undoable: list[ActionKind] = Field(description="What would take back what this plan did.")
    steps: list[StepOut]
