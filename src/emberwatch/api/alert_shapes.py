"""The JSON shapes of alerts. Secrets of channels come in as ``SecretStr``; nothing has a place for them going out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from ninja import Field, Schema
from pydantic import ConfigDict, SecretStr, StringConstraints

from emberwatch.alerts.models import ChannelStatus, DeliveryState
from emberwatch.alerts.policy import Cadence, Fact
from emberwatch.alerts.services import LONGEST_NAME
from emberwatch.api.shapes import Id
from emberwatch.channels.settings import LONGEST
from emberwatch.exposures.models import SourceKind
from emberwatch.identities.severity import Level

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
FieldName = Annotated[str, StringConstraints(max_length=40)]
Value = Annotated[str, StringConstraints(max_length=LONGEST)]


class KindFieldOut(Schema):
    name: str
    label: str
    hint: str
    required: bool
    default: str
    choices: list[str]


class ChannelKindOut(Schema):
    """One system that messages can be sent to, with what a channel of it asks for."""

    name: str
    label: str
    settings: list[KindFieldOut]
    secrets: list[KindFieldOut]


class ChannelFormIn(Schema):
    """A channel as a whole; stored secrets that are left out stay."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    settings: dict[FieldName, Value] = Field(
        {}, description="By the names of the kind's settings; all are text."
    )
    secrets: dict[FieldName, SecretStr] = Field({}, description="By the names of the kind's secrets.")
    forget: list[FieldName] = Field([], max_length=10, description="Stored secrets to take away.")


class ChannelIn(ChannelFormIn):
    kind: str = Field(max_length=16, description="One of `alert-channel-kinds`.")


class ChannelSwitchIn(Schema):
    model_config = ConfigDict(extra="forbid")

    is_on: bool


class ChannelOut(Schema):
    id: Id
    kind: str
    name: str
    settings: dict[str, str]
    secret_names: list[str] = Field(description="Which secrets are stored.")
    status: ChannelStatus
    status_sentence: str
    status_at: datetime | None
    is_on: bool
    disabled_at: datetime | None = Field(
        description="When an error that does not pass by itself switched it off; a good test ends that."
    )
    created_at: datetime
    updated_at: datetime


class RuleIn(Schema):
    """A rule as a whole."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    facts: list[Fact] = Field(min_length=1, max_length=len(Fact))
    channels: list[str] = Field(min_length=1, max_length=50, description="Ids of channels.")
    minimum_severity: Level = Field(Level.NONE, description="Counts for new_credential and active.")
    source_kinds: list[SourceKind] = Field([], max_length=10, description="Empty: whatever the source.")
    cadence: Cadence = Cadence.IMMEDIATE
    digest_hour: int = Field(8, ge=0, le=23, description="Of a daily digest, in `time_zone`.")
    time_zone: str = Field("UTC", max_length=64)
    is_on: bool = True


class RuleOut(Schema):
    id: Id
    name: str
    facts: list[Fact]
    channels: list[Id]
    minimum_severity: Level
    source_kinds: list[SourceKind]
    cadence: Cadence
    digest_hour: int
    time_zone: str
    is_on: bool
    next_digest_at: datetime | None
    told_at: datetime | None = Field(description="When its last message was made.")
    created_at: datetime


class DeliveryOut(Schema):
    """One message to one channel; its id stands in the message and stays the same when it is sent again."""

    id: Id
    channel_id: Id
    rule_id: Id | None
    title: str
    severity: Level
    total: int = Field(description="How many things it tells of.")
    is_test: bool
    state: DeliveryState
    sentence: str
    attempts: int
    next_try_at: datetime | None
    provider_id: str = Field(description="The other side's own name for it, such as a ticket's number.")
    created_at: datetime
    sent_at: datetime | None
