"""The ledger of attempts: reads it for the budget, reserves an attempt, and settles what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection

from emberwatch.core.verdict import Verdict
from emberwatch.directories.base import SignInReply
from emberwatch.validation.budget import WINDOW, Spent
from emberwatch.validation.models import Attempt, AttemptState, Validation

# Longer than any sign-in may take: a reservation this old belongs to a process that is gone.
ABANDONED_AFTER: Final = timedelta(minutes=10)


def lock_account(entra_tenant_id: UUID, object_id: UUID) -> None:
    """Serialises all decisions on one account until the transaction ends, on every worker."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"account:{entra_tenant_id}:{object_id}"],
        )


def ledger_of(entra_tenant_id: UUID, object_id: UUID, pair_fingerprint: bytes) -> list[Spent]:
    """Every attempt on an account, from all tenants that are connected to its directory."""
    attempts = Attempt.objects.filter(entra_tenant_id=entra_tenant_id, object_id=object_id)
    return list(_spent(attempts, pair_fingerprint))


def _spent(attempts: Iterable[Attempt], pair_fingerprint: bytes) -> Iterable[Spent]:
    for attempt in attempts:
        yield Spent(
            attempt_id=str(attempt.id),
            at=attempt.reserved_at,
            in_flight=attempt.state == AttemptState.RESERVED,
            failed=attempt.counts_as_failed,
            verdict=Verdict(attempt.verdict) if attempt.verdict else None,
            same_pair=bytes(attempt.pair_fingerprint) == pair_fingerprint,
            answered_wrong=attempt.verdict in (Verdict.INACTIVE, Verdict.IMPOSSIBLE),
        )


def reserve(
    validation: Validation, entra_tenant_id: UUID, object_id: UUID, pair_fingerprint: bytes, now: datetime
) -> Attempt:
    """Writes the attempt down as spent; it must be committed before anything is sent."""
    return Attempt.objects.create(
        tenant_id=validation.tenant_id,
        validation=validation,
        entra_tenant_id=entra_tenant_id,
        object_id=object_id,
        pair_fingerprint=pair_fingerprint,
        requested_by=validation.requested_by,
        reserved_at=now,
    )


def settle(attempt: Attempt, reply: SignInReply) -> None:
    """Writes down what the directory answered; a late answer also replaces "unknown"."""
    attempt.state = AttemptState.ANSWERED if reply.http_status is not None else AttemptState.UNKNOWN
    attempt.answered_at = reply.answered_at
    attempt.code = reply.code
    attempt.verdict = reply.verdict
    attempt.counts_as_failed = reply.counts_as_failed
    attempt.trace_id = reply.trace_id
    attempt.correlation_id = reply.correlation_id
    attempt.save()


def settle_unknown(attempt: Attempt) -> None:
    """The process that reserved it died before an answer was written down: it stays spent."""
    attempt.state = AttemptState.UNKNOWN
    attempt.save(update_fields=["state"])


def settle_abandoned(entra_tenant_id: UUID, object_id: UUID, now: datetime) -> None:
    """Reservations whose job was lost altogether become "unknown", so that they do not block the account."""
    Attempt.objects.filter(
        entra_tenant_id=entra_tenant_id,
        object_id=object_id,
        state=AttemptState.RESERVED,
        reserved_at__lt=now - ABANDONED_AFTER,
    ).update(state=AttemptState.UNKNOWN)


def previous_answer_locked_another(attempt: Attempt) -> bool:
    """True when the answer before this one, on the same directory within a day, was "locked" for another account."""
    if attempt.answered_at is None:
        return False
    before = (
        Attempt.objects.filter(
            entra_tenant_id=attempt.entra_tenant_id,
            answered_at__lte=attempt.answered_at,
            answered_at__gt=attempt.answered_at - WINDOW,
        )
        .exclude(pk=attempt.pk)
        .order_by("-answered_at")
        .first()
    )
    return before is not None and before.verdict == Verdict.LOCKED and before.object_id != attempt.object_id
