"""The gate of a directory: one row that all workers and tenants share. Waits that one of them met hold for all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from emberwatch.directories.models import DirectoryGate

# A wait that the directory asks for is believed up to here; a longer one is asked about again.
LONGEST_WAIT: Final = timedelta(hours=1)


def gate_of(entra_tenant_id: UUID) -> DirectoryGate:
    """The gate as it stands, without its lock."""
    found = DirectoryGate.objects.filter(pk=entra_tenant_id).first()
    return found or DirectoryGate(entra_tenant_id=entra_tenant_id)


def locked_gate(entra_tenant_id: UUID) -> DirectoryGate:
    """The gate, locked until the caller's transaction ends."""
    found = DirectoryGate.objects.select_for_update().filter(pk=entra_tenant_id).first()
    if found is None:
        # The first to come makes the row; somebody else may be making it too.
        DirectoryGate.objects.bulk_create(
            [DirectoryGate(entra_tenant_id=entra_tenant_id)], ignore_conflicts=True
        )
        found = DirectoryGate.objects.select_for_update().get(pk=entra_tenant_id)
    return found


def hold_sign_ins(entra_tenant_id: UUID, seconds: float, now: datetime) -> None:
    """Nobody sends a sign-in to the directory before the time that it asked for."""
    _hold(entra_tenant_id, "sign_ins_not_before", seconds, now)


def hold_reads(entra_tenant_id: UUID, seconds: float, now: datetime) -> None:
    """Nobody reads from the directory before the time that it asked for."""
    _hold(entra_tenant_id, "reads_not_before", seconds, now)


def _hold(entra_tenant_id: UUID, field: str, seconds: float, now: datetime) -> None:
    until = now + min(timedelta(seconds=seconds), LONGEST_WAIT)
    with transaction.atomic():
        gate = locked_gate(entra_tenant_id)
        stands = getattr(gate, field)
        if stands is None or stands < until:
            setattr(gate, field, until)
            gate.save(update_fields=[field])
