"""Counts wrong passwords that others sent, where the directory's sign-in log may be read.

The log is read on from where it was read last, once for all workers and tenants of a directory.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction

from emberwatch.core.clock import Clock
from emberwatch.directories.base import (
    Directory,
    DirectoryError,
    FailedSignIn,
    NotOffered,
    SignInLog,
)
from emberwatch.directories.gate import gate_of, locked_gate
from emberwatch.directories.models import DirectoryConnection
from emberwatch.validation.budget import WINDOW
from emberwatch.validation.models import Attempt, ForeignFailure
from emberwatch.validation.reading import hold_if_busy

log = structlog.get_logger(__name__)

# Sign-ins appear in the log within minutes; asking more often would only meet its narrow limits.
READ_EVERY: Final = timedelta(minutes=2)
ARRIVES_LATE_BY: Final = timedelta(minutes=15)
ASK_AGAIN_AFTER_REFUSAL: Final = timedelta(hours=6)


def read_foreign_failures(connection: DirectoryConnection, directory: Directory, clock: Clock) -> None:
    """Brings the failures of others up to date. A log that may not be read, or fails, changes nothing."""
    directory_id, now = connection.entra_tenant_id, clock()
    if not isinstance(directory, SignInLog) or not _claim(directory_id, now):
        return
    since = max(gate_of(directory_id).log_read_until or now - WINDOW, now - WINDOW) - ARRIVES_LATE_BY
    try:
        found = list(directory.failed_sign_ins(since))
    except NotOffered as error:
        _note(directory_id, refused=error.message)
        return
    except DirectoryError as error:
        hold_if_busy(connection, error, clock)
        log.warning("sign_in_log_not_read", kind=type(error).__name__)
        return
    _store(directory_id, found, now)


def _claim(directory_id: UUID, now: datetime) -> bool:
    """Whether it is this worker's turn to read the log."""
    with transaction.atomic():
        gate = locked_gate(directory_id)
        pause = ASK_AGAIN_AFTER_REFUSAL if gate.log_refused_because else READ_EVERY
        if gate.log_asked_at is not None and timedelta(0) <= now - gate.log_asked_at < pause:
            return False
        gate.log_asked_at = now
        gate.save(update_fields=["log_asked_at"])
        return True


def _note(directory_id: UUID, *, refused: str) -> None:
    with transaction.atomic():
        gate = locked_gate(directory_id)
        gate.log_refused_because = refused[:300]
        gate.save(update_fields=["log_refused_because"])


def _store(directory_id: UUID, found: list[FailedSignIn], now: datetime) -> None:
    ours = _our_requests(directory_id, found)
    rows = [
        ForeignFailure(
            entra_tenant_id=directory_id,
            object_id=each.object_id,
            at=each.at,
            correlation_id=each.correlation_id[:64],
        )
        for each in found
        if each.correlation_id.lower() not in ours
    ]
    with transaction.atomic():
        gate = locked_gate(directory_id)
        ForeignFailure.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
        ForeignFailure.objects.filter(entra_tenant_id=directory_id, at__lt=now - 2 * WINDOW).delete()
        gate.log_read_until, gate.log_refused_because = now, ""
        gate.save(update_fields=["log_read_until", "log_refused_because"])


def _our_requests(directory_id: UUID, found: list[FailedSignIn]) -> set[str]:
    """Those that the ledger holds already, under the request id that we gave them."""
    ids = {each.correlation_id for each in found if _is_guid(each.correlation_id)}
    rows = Attempt.objects.filter(entra_tenant_id=directory_id, pk__in=ids)
    return {str(pk) for pk in rows.values_list("pk", flat=True)}


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
