"""Writes audit rows, always inside the transaction of what they record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from emberwatch.accounts.actor import Actor
from emberwatch.audit.chain import ORGANISATION, hash_row
from emberwatch.audit.models import AuditChain, AuditRow


def record(
    tenant_id: UUID | None,
    action: str,
    subject: str,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
) -> AuditRow:
    """Appends one row to the chain of a tenant (or of the organisation).

    ``facts`` are JSON values and never hold a secret. Raises ``RuntimeError`` outside a transaction: a row
    that could stand without what it records, or the reverse, would prove nothing.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an audit row belongs into the transaction of what it records")
    chain = tenant_id or ORGANISATION
    head = _locked_head(chain)
    fields: dict[str, Any] = {
        "chain": chain,
        "sequence": head.length + 1,
        "at": now,
        "actor": actor.label,
        "action": action,
        "subject": subject,
        "reason": reason,
        "facts": dict(facts or {}),
        "previous_hash": head.head_hash,
    }
    row = AuditRow.objects.create(**fields, row_hash=hash_row(**fields))
    head.length, head.head_hash = row.sequence, row.row_hash
    head.save(update_fields=["length", "head_hash"])
    return row


def _locked_head(chain: UUID) -> AuditChain:
    head = AuditChain.objects.select_for_update().filter(chain=chain).first()
    if head is None:
        # The first row of a chain; somebody else may be writing it too.
        AuditChain.objects.bulk_create([AuditChain(chain=chain)], ignore_conflicts=True)
        head = AuditChain.objects.select_for_update().get(chain=chain)
    return head
