"""How a tenant's directory is doing, for whoever runs Emberwatch: the connection, what was asked, what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from emberwatch.directories.calls import CallCounts, count_calls
from emberwatch.directories.gate import gate_of
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.exposures.models import Credential
from emberwatch.identities.models import SyncState
from emberwatch.identities.progress import progress_of
from emberwatch.validation.budget import WINDOW
from emberwatch.validation.models import Attempt
from emberwatch.validation.oversight import activity_of, in_force


@dataclass(frozen=True, slots=True)
class AttemptCounts:
    """The sign-ins of the last 24 hours against what the rules allow."""

    sent: int
    """On behalf of this tenant."""
    failed: int
    accounts: int
    accounts_at_limit: int
    """Accounts of the directory with no failed attempt left, whichever tenant spent them."""
    allowed_per_account: int
    most_at_this_pace: int


@dataclass(frozen=True, slots=True)
class DirectoryCounts:
    accounts: int
    """Accounts of the directory that this tenant knows."""
    credentials: int
    verified_domains: int
    federated_domains: int


@dataclass(frozen=True, slots=True)
class Health:
    status: ConnectionStatus
    status_sentence: str
    halted_at: datetime | None
    last_check_at: datetime | None
    last_good_check_at: datetime | None
    clock_seconds: float | None
    reads_not_before: datetime | None
    sign_ins_not_before: datetime | None
    sync_state: SyncState
    sync_sentence: str
    last_sync_at: datetime | None
    attempts: AttemptCounts
    counts: DirectoryCounts
    calls: CallCounts


def health_of(connection: DirectoryConnection, now: datetime) -> Health:
    gate, sync = gate_of(connection.entra_tenant_id), progress_of(connection)
    return Health(
        status=ConnectionStatus(connection.status),
        status_sentence=connection.status_sentence,
        halted_at=connection.halted_at,
        last_check_at=connection.last_check_at,
        last_good_check_at=connection.last_good_check_at,
        clock_seconds=connection.clock_seconds,
        reads_not_before=_ahead(gate.reads_not_before, now),
        sign_ins_not_before=_ahead(gate.sign_ins_not_before, now),
        sync_state=sync.state,
        sync_sentence=sync.sentence,
        last_sync_at=sync.finished_at,
        attempts=_attempts(connection, now),
        counts=_counts(connection, sync.accounts),
        calls=count_calls(connection, now - WINDOW),
    )


def _ahead(until: datetime | None, now: datetime) -> datetime | None:
    return until if until is not None and until > now else None


def _attempts(connection: DirectoryConnection, now: datetime) -> AttemptCounts:
    everybodys = Attempt.objects.filter(
        entra_tenant_id=connection.entra_tenant_id, reserved_at__gt=now - WINDOW
    )
    ours = everybodys.filter(tenant_id=connection.tenant_id)
    allowed = in_force(connection).failed_attempts_allowed
    failed = everybodys.filter(counts_as_failed=True).values("object_id").annotate(times=Count("pk"))
    return AttemptCounts(
        sent=ours.count(),
        failed=ours.filter(counts_as_failed=True).count(),
        accounts=ours.values("object_id").distinct().count(),
        accounts_at_limit=failed.filter(times__gte=max(allowed, 1)).count(),
        allowed_per_account=allowed,
        most_at_this_pace=activity_of(connection, now).most_at_this_pace,
    )


def _counts(connection: DirectoryConnection, accounts: int) -> DirectoryCounts:
    verified = [domain for domain in connection.domains if domain["is_verified"]]
    return DirectoryCounts(
        accounts=accounts,
        credentials=Credential.objects.filter(tenant_id=connection.tenant_id).count(),
        verified_domains=len(verified),
        federated_domains=sum(domain["authentication"] == "federated" for domain in verified),
    )
