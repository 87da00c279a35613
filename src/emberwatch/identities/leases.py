"""One reading of a directory at a time: whoever reads it holds its lease and renews it with every page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q

from emberwatch.identities.models import SyncLease

LEASE: Final = timedelta(minutes=3)
"""Longer than one request takes with all its repetitions."""


def take(entra_tenant_id: UUID, holder: UUID, now: datetime) -> bool:
    """Whether the directory is ours to read from now on."""
    SyncLease.objects.bulk_create([SyncLease(entra_tenant_id=entra_tenant_id)], ignore_conflicts=True)
    free = Q(holder=None) | Q(until__lte=now) | Q(holder=holder)
    rows = SyncLease.objects.filter(free, entra_tenant_id=entra_tenant_id)
    return rows.update(holder=holder, until=now + LEASE) == 1


def renew(entra_tenant_id: UUID, holder: UUID, now: datetime) -> bool:
    """Needs a transaction: what is stored in it stands only while the lease is ours."""
    rows = SyncLease.objects.filter(entra_tenant_id=entra_tenant_id, holder=holder)
    return rows.update(until=now + LEASE) == 1


def release(entra_tenant_id: UUID, holder: UUID) -> None:
    SyncLease.objects.filter(entra_tenant_id=entra_tenant_id, holder=holder).update(holder=None, until=None)


def is_free(entra_tenant_id: UUID, now: datetime) -> bool:
    held = SyncLease.objects.filter(entra_tenant_id=entra_tenant_id, until__gt=now).exclude(holder=None)
    return not held.exists()
