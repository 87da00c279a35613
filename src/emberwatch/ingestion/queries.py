"""Reads of imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum

from emberwatch.accounts.actor import Actor
from emberwatch.core.errors import NotFound
from emberwatch.ingestion.counts import COUNTS, ImportCounts
from emberwatch.ingestion.models import Import, ImportState, Piece, PieceState
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is, worked out from its pieces."""

    position: int
    counts: ImportCounts
    pieces: int
    pieces_done: int


def progress_of(wanted: Import) -> ImportProgress:
    return _progress([wanted])[wanted.pk]


def _progress(wanted: Sequence[Import]) -> dict[UUID, ImportProgress]:
    """By import, with one query for all of them."""
    sums = (
        Piece.objects.filter(whole__in=wanted)
        .values("whole_id")
        .order_by()
        .annotate(
            **{f"sum_{name}": Sum(name) for name in COUNTS},
            sum_position=Sum("position"),
            pieces=Count("id"),
            pieces_done=Count("id", filter=~Q(state=PieceState.QUEUED)),
        )
    )
    found: dict[UUID, Mapping[str, Any]] = {row["whole_id"]: row for row in sums}
    return {each.pk: _summed(each, found.get(each.pk, {})) for each in wanted}


def _summed(wanted: Import, sums: Mapping[str, Any]) -> ImportProgress:
    return ImportProgress(
        position=min(sums.get("sum_position", 0), wanted.size),
        pieces=sums.get("pieces", 0),
        pieces_done=sums.get("pieces_done", 0),
        counts=ImportCounts.from_dict({name: sums.get(f"sum_{name}", 0) for name in COUNTS}),
    )


def with_progress(rows: Sequence[Import]) -> None:
    """Gives imports that are under way the counts of what is read by now, and how far that is."""
    moving = [row for row in rows if row.is_moving and row.state != ImportState.UNDOING]
    progress = _progress(moving) if moving else {}
    for row in rows:
        if row.pk not in progress:
            row.position = row.size if row.finished_at else 0
            continue
        found = progress[row.pk]
        row.position = found.position
        for name, number in found.counts.to_dict().items():
            setattr(row, name, number)


def newest_imports(tenant: Tenant, *, before: UUID | None = None, limit: int = 50) -> list[Import]:
    """One page of a tenant's imports, newest first; ids sort by age, so the last id is the keyset."""
    rows = Import.objects.filter(tenant=tenant)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-id")[:limit])
    with_progress(found)
    return found


def access_import(actor: Actor, tenant_id: UUID | str, import_id: UUID | str) -> Import:
    tenant = access_tenant(actor, tenant_id, Permission.VIEW_FEED)
    try:
        wanted = UUID(str(import_id))
    except ValueError:
        raise NotFound("There is no such import.") from None
    found = Import.objects.filter(tenant=tenant, pk=wanted).select_related("tenant", "source").first()
    if found is None:
        raise NotFound("There is no such import.")
    with_progress([found])
    return found
