"""The JSON shapes of identities: a row of the list, and the profile of one."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema

from emberwatch.api.shapes import CredentialOut, Id, IdentityOut
from emberwatch.core.verdict import VerdictGroup
from emberwatch.exposures.timeline import Step
from emberwatch.identities.reach import Kind
from emberwatch.identities.severity import Level


class IdentityListedOut(IdentityOut):
    department: str
    external: bool = Field(
        description="Invited from elsewhere: its password belongs to another organisation."
    )
    is_gone: bool = Field(description="Deleted, or no longer listed by the directory.")
    last_successful_sign_in_at: datetime | None
    is_privileged: bool = Field(description="It has a privileged role, or is in a group that may carry one.")
    credentials: int = Field(description="How many leaked credentials are known.")
    active: int = Field(description="How many of them are in the verdict group `active`.")


class ReasonOut(Schema):
    code: str = Field(description="The name of the rule; stable.")
    words: str


class SeverityOut(Schema):
    level: Level
    reasons: list[ReasonOut] = Field(description="The worst first; what keeps it from being worse is last.")


class ManagerOut(Schema):
    id: Id
    object_id: Id
    user_principal_name: str
    display_name: str


class OpenedOut(Schema):
    """A role, a group or an application that the account opens."""

    kind: Kind
    object_id: Id
    name: str
    privileged: bool
    detail: str = Field(description="A role's template id, or what the account is in an application.")
    via: Id | None = Field(description="The group that gives it; null when the account has it itself.")
    via_name: str


class ReachOut(Schema):
    opened: list[OpenedOut] = Field(description="The most important first.")
    open_to_all: int = Field(description="Applications that open for every account of the directory.")


class UnknownOut(Schema):
    """What the directory does not tell, and why."""

    stage: str = Field(description="`sign_ins`, `registration`, `risk`, `groups`, `roles` or `applications`.")
    because: str
    remedy: str


class PersonMachineOut(Schema):
    id: Id
    name: str
    family: str
    infected_at: datetime | None
    credential_count: int = Field(description="How many of this person's credentials were stolen from it.")
    live_cookie_count: int


class EventOut(Schema):
    at: datetime
    step: Step
    words: str
    credential_id: Id | None
    machine_id: Id | None


class IdentityDetailOut(IdentityOut):
    is_gone: bool
    external: bool
    department: str
    job_title: str
    manager: ManagerOut | None
    licences: list[str] = Field(
        description="Names of products; the id of one that the directory did not name."
    )
    sessions_valid_from_at: datetime | None
    deleted_at: datetime | None
    last_sign_in_at: datetime | None
    last_successful_sign_in_at: datetime | None
    mfa_registered: bool | None
    mfa_methods: list[str]
    risk_level: str
    risk_state: str
    risk_updated_at: datetime | None
    unknown: list[UnknownOut]
    user_link: str | None = Field(description="The account in the Entra admin center.")
    severity: SeverityOut
    reach: ReachOut
    credential_counts: dict[VerdictGroup, int]
    credentials: list[CredentialOut] = Field(description="The 200 newest, active ones first.")
    machines: list[PersonMachineOut]
    timeline: list[EventOut] = Field(description="The newest events, newest first.")
