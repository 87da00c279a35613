"""The JSON shapes of the reading of a directory into its copy here."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema
from pydantic import ConfigDict

from emberwatch.api.shapes import Id
from emberwatch.identities.models import SyncState


class SwitchedOffOut(Schema):
    """A part of the reading that the directory refused; it is asked for again by itself within a day."""

    stage: str
    label: str
    because: str
    remedy: str
    asked_at: datetime


class SyncOut(Schema):
    """How far the copy of the directory is. Counts are those of the reading under way, or of the last one."""

    entra_tenant_id: Id
    state: SyncState
    sentence: str = Field(description="What keeps it from being up to date.")
    stage: str = Field(description="What is being read; empty between two readings.")
    group_id: Id | None = Field(description="Only members of this group are read.")
    requested_by: str
    requested_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None = Field(description="When the last reading was complete.")
    next_at: datetime | None
    accounts: int
    groups: int
    counts: dict[str, int]
    switched_off: list[SwitchedOffOut]


class SyncScopeIn(Schema):
    model_config = ConfigDict(extra="forbid")

    group_id: str = Field(max_length=100, description="The group's Object ID; empty reads everybody.")
