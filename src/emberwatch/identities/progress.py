"""How far a tenant's copy of its directory is: what pages, the API and the command line show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from emberwatch.directories.models import DirectoryConnection
from emberwatch.identities.models import DirectorySync, Group, SyncState
from emberwatch.identities.queries import account_count, sync_of
from emberwatch.identities.stages import STAGES, Stage
from emberwatch.identities.syncing import EVERY

COUNTED = ("added", "changed", "removed", "restored", "resyncs", "pages", "resource_units")


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A part of the reading that the directory refused; it is asked for again by itself within a day."""

    stage: str
    label: str
    because: str
    remedy: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """``sentence``: what keeps it from being up to date. Counts are those of the reading under way, or of the last."""

    entra_tenant_id: UUID
    state: SyncState
    sentence: str
    stage: str
    stage_label: str
    group_id: UUID | None
    requested_by: str
    requested_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    next_at: datetime | None
    accounts: int
    groups: int
    counts: dict[str, int]
    switched_off: tuple[SwitchedOff, ...]

    @property
    def is_open(self) -> bool:
        return self.state in (SyncState.WAITING, SyncState.RUNNING)

    @property
    def has_begun(self) -> bool:
        return self.started_at is not None


def progress_of(connection: DirectoryConnection) -> SyncProgress:
    sync = sync_of(connection) or DirectorySync(entra_tenant_id=connection.entra_tenant_id)
    place = {"tenant_id": connection.tenant_id, "entra_tenant_id": connection.entra_tenant_id}
    stage = Stage(sync.stage) if sync.stage else None
    return SyncProgress(
        entra_tenant_id=connection.entra_tenant_id,
        state=SyncState(sync.state),
        sentence=sync.sentence,
        stage=sync.stage,
        stage_label=stage.label if stage else "",
        group_id=sync.group_id,
        requested_by=sync.requested_by,
        requested_at=sync.requested_at,
        started_at=sync.started_at,
        finished_at=sync.finished_at,
        next_at=sync.next_at,
        accounts=account_count(connection.tenant_id, connection.entra_tenant_id),
        groups=Group.objects.filter(**place, is_role=False).count(),
        counts={name: int(sync.counts.get(name, 0)) for name in COUNTED},
        switched_off=tuple(_switched_off(sync)),
    )


def _switched_off(sync: DirectorySync) -> list[SwitchedOff]:
    return [
        SwitchedOff(
            stage.value,
            stage.label,
            told["because"],
            told["remedy"],
            datetime.fromisoformat(told["asked_at"]),
        )
        for stage in STAGES
        if (told := sync.refusals.get(stage))
    ]


def reads_every_hours() -> int:
    return round(EVERY.total_seconds() / 3600)
