"""Reads of the audit chains."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db.models import QuerySet

from emberwatch.audit.chain import GENESIS, ORGANISATION, Fault, Row, verify
from emberwatch.audit.models import AuditChain, AuditRow


def newest_rows(
    tenant_id: UUID | None, *, before_sequence: int | None = None, limit: int = 50
) -> list[AuditRow]:
    """One page of a chain, newest first. ``before_sequence`` is the keyset of the page before."""
    rows: QuerySet[AuditRow] = AuditRow.objects.filter(chain=tenant_id or ORGANISATION)
    if before_sequence is not None:
        rows = rows.filter(sequence__lt=before_sequence)
    return list(rows.order_by("-sequence")[:limit])


def verify_chain(tenant_id: UUID | None) -> tuple[int, Fault | None]:
    """The number of rows that the chain's head names, and its first fault if there is one."""
    head = AuditChain.objects.filter(chain=tenant_id or ORGANISATION).first()
    if head is None and AuditRow.objects.filter(chain=tenant_id or ORGANISATION).exists():
        return 0, Fault(1, "the head of the chain is missing")
    length, head_hash = (head.length, head.head_hash) if head else (0, GENESIS)
    # Rows beyond the head that was read are being written meanwhile; the next check covers them.
    return length, verify(_rows(tenant_id or ORGANISATION, length), length=length, head_hash=head_hash)


def _rows(chain: UUID, length: int) -> Iterator[Row]:
    for row in (
        AuditRow.objects.filter(chain=chain, sequence__lte=length)
        .order_by("sequence", "id")
        .iterator(chunk_size=2000)
    ):
        yield Row(
            row.chain,
            row.sequence,
            row.at,
            row.actor,
            row.action,
            row.subject,
            row.reason,
            row.facts,
            row.previous_hash,
            row.row_hash,
        )
