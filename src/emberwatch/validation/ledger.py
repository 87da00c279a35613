"""The ledger of attempts: reads it for the budget, reserves an attempt, and settles what became of it.

Whoever reserves or settles holds the lock of the directory's gate, see :mod:`emberwatch.directories.gate`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from emberwatch.core.verdict import Verdict
from emberwatch.directories.base import AccountFacts, SignInReply
from emberwatch.directories.models import DirectoryConnection
from emberwatch.exposures.models import Credential
from emberwatch.validation.budget import RESTS_FOR, WINDOW, Spent
from emberwatch.validation.models import (
    Attempt,
    AttemptOrigin,
    AttemptState,
    ForeignFailure,
    Run,
    Validation,
)
from emberwatch.validation.triage_facts import Protected

# Longer than any sign-in may take: a reservation this old belongs to a process that is gone.
ABANDONED_AFTER: Final = timedelta(minutes=10)
# Two locked accounts within this time stop a directory, whatever was answered in between.
LOCKS_BELONG_TOGETHER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Request:
    """On whose behalf an attempt is made: one validation, or a run over a feed."""

    credential: Credential
    connection: DirectoryConnection
    requested_by: str
    origin: AttemptOrigin
    protected: frozenset[Protected]
    """The protected list that was read for the decision to send."""
    validation: Validation | None = None
    run: Run | None = None
    goes_on: Callable[[], bool] = lambda: True
    """Asked in the transaction of the reservation: a run that a person has paused, or another worker has, ends."""


def ledger_of(entra_tenant_id: UUID, object_id: UUID, pair_fingerprint: bytes = b"") -> list[Spent]:
    """Every attempt on an account, from all tenants that are connected to its directory."""
    attempts = Attempt.objects.filter(entra_tenant_id=entra_tenant_id, object_id=object_id)
    return list(spent(attempts, pair_fingerprint))


def spent(attempts: Iterable[Attempt], pair_fingerprint: bytes) -> Iterable[Spent]:
    for attempt in attempts:
        yield Spent(
            attempt_id=str(attempt.id),
            at=attempt.reserved_at,
            in_flight=attempt.state == AttemptState.RESERVED,
            failed=attempt.counts_as_failed,
            verdict=Verdict(attempt.verdict) if attempt.verdict else None,
            same_pair=bytes(attempt.pair_fingerprint) == pair_fingerprint,
            answered_wrong=attempt.verdict in (Verdict.INACTIVE, Verdict.IMPOSSIBLE),
            password_changed_at=attempt.password_changed_at,
            directory_at=attempt.directory_at,
        )


def failed_by_others(entra_tenant_id: UUID, object_id: UUID, now: datetime) -> list[datetime]:
    """Wrong passwords of the last 24 hours that others sent, as far as the sign-in log could be read."""
    return failed_by_others_at(entra_tenant_id, [object_id], now).get(object_id, [])


def failed_by_others_at(
    entra_tenant_id: UUID, object_ids: Collection[UUID], now: datetime
) -> dict[UUID, list[datetime]]:
    """The same for many accounts."""
    rows = ForeignFailure.objects.filter(
        entra_tenant_id=entra_tenant_id, object_id__in=object_ids, at__gt=now - RESTS_FOR
    )
    found: dict[UUID, list[datetime]] = {}
    for object_id, at in rows.values_list("object_id", "at"):
        found.setdefault(object_id, []).append(at)
    return found


def is_in_flight(entra_tenant_id: UUID, now: datetime) -> bool:
    """Whether any sign-in of ours is under way at the directory: there is never more than one.

    Reservations whose job was lost altogether become "unknown" first, so that they do not block the directory.
    """
    reserved = Attempt.objects.filter(entra_tenant_id=entra_tenant_id, state=AttemptState.RESERVED)
    times = list(reserved.values_list("reserved_at", flat=True))
    abandoned = [at for at in times if at < now - ABANDONED_AFTER]
    if abandoned:
        reserved.filter(reserved_at__in=abandoned).update(state=AttemptState.UNKNOWN)
    return len(times) > len(abandoned)


def has_attempt(validation: Validation | None) -> bool:
    return validation is not None and Attempt.objects.filter(validation=validation).exists()


def pressed_since(entra_tenant_id: UUID, since: datetime) -> int:
    rows = Attempt.objects.filter(entra_tenant_id=entra_tenant_id, origin=AttemptOrigin.PRESS)
    return rows.filter(reserved_at__gt=since).count()


def reserve(request: Request, account: AccountFacts, pair_fingerprint: bytes, now: datetime) -> Attempt:
    """Writes the attempt down as spent; it must be committed before anything is sent."""
    return Attempt.objects.create(
        tenant_id=request.credential.tenant_id,
        credential=request.credential,
        validation=request.validation,
        run=request.run,
        origin=request.origin,
        entra_tenant_id=request.connection.entra_tenant_id,
        client_id=request.connection.client_id,
        object_id=account.object_id,
        user_principal_name=account.user_principal_name[:320],
        pair_fingerprint=pair_fingerprint,
        password_changed_at=account.last_password_change_at,
        requested_by=request.requested_by,
        reserved_at=now,
    )


def settle(attempt: Attempt, reply: SignInReply) -> None:
    """Writes down what the directory answered; a late answer also replaces "unknown"."""
    was_lost = reply.http_status is None and reply.counts_as_failed
    attempt.state = AttemptState.UNKNOWN if was_lost else AttemptState.ANSWERED
    attempt.answered_at = reply.answered_at
    attempt.directory_at = reply.directory_at
    attempt.code = reply.code[:20]
    attempt.unknown_code = bool(reply.unknown_codes)
    attempt.verdict = reply.verdict
    attempt.counts_as_failed = reply.counts_as_failed
    attempt.trace_id = reply.trace_id
    attempt.correlation_id = reply.correlation_id
    attempt.save()


def settle_unknown(attempt: Attempt) -> None:
    """The process that reserved it died before an answer was written down: it stays spent."""
    attempt.state = AttemptState.UNKNOWN
    attempt.save(update_fields=["state"])


def why_to_stop(attempt: Attempt, run_began_at: Callable[[], datetime | None]) -> str:
    """Why an answer "locked" stops its whole directory, or nothing.

    ``run_began_at``: the last good check of the connection; answers before it, or older than a day, do not count.
    """
    if attempt.verdict != Verdict.LOCKED or attempt.answered_at is None:
        return ""
    a_day_before = attempt.answered_at - WINDOW
    begin = max(run_began_at() or a_day_before, a_day_before)
    earlier = Attempt.objects.filter(
        entra_tenant_id=attempt.entra_tenant_id, answered_at__lte=attempt.answered_at, answered_at__gt=begin
    ).exclude(pk=attempt.pk)
    before = earlier.order_by("-answered_at", "-id").first()
    if before is None:
        return "The first sign-in of all was answered as locked. Our address may be blocked; nothing more is sent."
    others = earlier.exclude(object_id=attempt.object_id).filter(verdict=Verdict.LOCKED)
    together = others.filter(answered_at__gt=attempt.answered_at - LOCKS_BELONG_TOGETHER).exists()
    in_a_row = before.verdict == Verdict.LOCKED and before.object_id != attempt.object_id
    if together or in_a_row:
        return "Two accounts were answered as locked. Our address may be blocked; nothing more is sent."
    return ""
