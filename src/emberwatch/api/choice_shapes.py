"""The JSON shapes of validation choices, the protected list, the SOC's texts and the kill switch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

from emberwatch.api.shapes import Id
from emberwatch.validation.budget import MOST_FAILED_ATTEMPTS
from emberwatch.validation.options import LONGEST_NOTE, LONGEST_SIGN_IN_NAME, MOST_ADDRESSES
from emberwatch.validation.oversight import LogState
from emberwatch.validation.policy import FASTEST_PACE, SLOWEST_PACE, Hybrid, Mode, ProtectedKind
from emberwatch.validation.soc import Language
from emberwatch.validation.stopping import LONGEST_REASON

TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Address = Annotated[str, StringConstraints(max_length=64)]


class ChoicesIn(Schema):
    """All validation choices; what is left out falls back to its default."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = Field(Mode.ATTEMPTS, description="For what people ask for.")
    automatic_mode: Mode = Field(Mode.OFF, description="For the schedule.")
    failed_attempts_allowed: int | None = Field(
        None,
        ge=0,
        le=MOST_FAILED_ATTEMPTS,
        description="Per account and 24 hours; null leaves it at the lockout rule, which it can only lower.",
    )
    pace: float = Field(1.0, ge=SLOWEST_PACE, le=FASTEST_PACE, description="Sign-ins a second, at most.")
    hours_from: TimeOfDay | None = Field(
        None, description="Runs send sign-ins from this time of day, as HH:MM."
    )
    hours_until: TimeOfDay | None = Field(None, description="And until this one; both null for all day.")
    time_zone: str = Field("UTC", max_length=64, description="Of the hours, such as Europe/Amsterdam.")
    hybrid: Hybrid = Field(Hybrid.UNSTATED, description="Where the passwords of synced accounts are checked.")
    cloud_password_validation: bool = Field(
        False, description="The cloud may check passwords of federated, synced accounts for Emberwatch."
    )
    confirm_likely: bool = Field(
        True, description="Runs confirm likely verdicts with sign-ins that would lapse."
    )
    test_privileged: bool = Field(False, description="Accounts with privileged roles may be tried.")
    egress_addresses: list[Address] = Field(
        [], max_length=MOST_ADDRESSES, description="Addresses and ranges from which the sign-ins leave."
    )


class InForceOut(Schema):
    """What holds once the choices of all tenants on the directory are put together."""

    rule: int = Field(description="Failed attempts per account and 24 hours that the lockout rule allows.")
    failed_attempts_allowed: int
    pace: float
    stricter_elsewhere: list[str] = Field(
        description="Choices of which another tenant on the same directory asks for less."
    )


class ChoicesOut(Schema):
    mode: Mode
    automatic_mode: Mode
    failed_attempts_allowed: int | None
    pace: float
    hours_from: str | None
    hours_until: str | None
    time_zone: str
    hybrid: Hybrid
    cloud_password_validation: bool
    confirm_likely: bool
    test_privileged: bool
    egress_addresses: list[str]
    updated_at: datetime | None = Field(
        description="Null as long as nobody has chosen: these are the defaults."
    )
    warnings: list[str] = Field(description="What is allowed and should be thought over all the same.")
    in_force: InForceOut


class ProtectedIn(Schema):
    model_config = ConfigDict(extra="forbid")

    kind: ProtectedKind
    value: str = Field(
        max_length=LONGEST_SIGN_IN_NAME,
        description="An account's sign-in name or object ID, a group's object ID, or a role's template ID.",
    )
    note: str = Field("", max_length=LONGEST_NOTE, description="Why, for those who come later.")


class ProtectedOut(Schema):
    """An account, group or role of which nothing is ever sent."""

    id: Id
    kind: ProtectedKind
    value: str
    note: str
    added_by: str
    added_at: datetime


class UnknownCodeOut(Schema):
    """A code of the sign-in service that Emberwatch does not know; its verdict was `inconclusive`."""

    code: str
    times: int
    first_at: datetime
    last_at: datetime


class ActivityOut(Schema):
    attempts: int = Field(description="Sign-ins that were sent for this tenant within 24 hours.")
    most_at_this_pace: int = Field(description="As many as the directory's pace allows in that time.")
    pace: float
    log_state: LogState = Field(
        description="Whether the directory's sign-in log is read, so that failures of others count too."
    )
    log_read_until: datetime | None
    log_refused_because: str
    unknown_codes: list[UnknownCodeOut]


class SocTextOut(Schema):
    name: str
    language: Language
    title: str
    purpose: str
    text: str


class AlertOut(Schema):
    name: str
    raised_by: str
    what_to_do: str


class SocOut(Schema):
    """How a security operations centre tells our attempts from others."""

    client_id: Id
    entra_tenant_id: Id
    egress_addresses: list[str]
    days: int
    attempts: int = Field(description="Sent in that time; the texts hold at most 5,000 ids.")
    texts: list[SocTextOut]
    alerts: list[AlertOut]


class StopIn(Schema):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="Shown to everybody.")


class KillSwitchOut(Schema):
    is_on: bool
    reason: str
    stopped_at: datetime | None
    stopped_by: str
