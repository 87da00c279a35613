"""What an admin sees of a directory's validation: what is in force, what was sent, what nobody knows, for the SOC.

A tenant is told of another one on the same directory only that something is stricter, never whose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import Count, Max, Min

from emberwatch.core.errors import BadInput
from emberwatch.directories.gate import gate_of
from emberwatch.directories.models import DirectoryConnection
from emberwatch.validation.budget import WINDOW
from emberwatch.validation.choices import budget_policy, limits_of, policy_of
from emberwatch.validation.models import Attempt, ProtectedEntry, ValidationPolicy
from emberwatch.validation.operating import choices_of, rule_of
from emberwatch.validation.policy import Hybrid
from emberwatch.validation.soc import MOST_IDS, SocFacts

MOST_CODES: Final = 200
MOST_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds for a directory once every tenant's choices are put together."""

    rule: int
    """Failed attempts per account and 24 hours that the lockout rule allows at most."""
    failed_attempts_allowed: int
    pace: float
    stricter_elsewhere: tuple[str, ...]
    """Choices of which another tenant on the same directory asks for less."""


def in_force(connection: DirectoryConnection) -> InForce:
    limits = limits_of(connection.entra_tenant_id)
    allowed = budget_policy(connection, synced=False, single_try=False).failed_attempts_allowed
    return InForce(rule_of(connection), allowed, limits.pace, tuple(_stricter(connection)))


def _stricter(connection: DirectoryConnection) -> list[str]:
    mine, limits = choices_of(policy_of(connection)), limits_of(connection.entra_tenant_id)
    allowed = limits.failed_attempts_allowed
    found = []
    if allowed is not None and allowed < (
        rule_of(connection) if mine.failed_attempts_allowed is None else mine.failed_attempts_allowed
    ):
        found.append("failed_attempts_allowed")
    if limits.pace < mine.pace:
        found.append("pace")
    others = ValidationPolicy.objects.filter(connection__entra_tenant_id=connection.entra_tenant_id)
    passing = others.exclude(connection=connection).filter(hybrid=Hybrid.PASS_THROUGH)
    if mine.hybrid is not Hybrid.PASS_THROUGH and passing.exists():
        found.append("hybrid")
    listed = ProtectedEntry.objects.filter(connection__entra_tenant_id=connection.entra_tenant_id)
    if listed.exclude(connection=connection).exists():
        found.append("protected")
    return found


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code of the sign-in service that the table of codes does not hold."""

    code: str
    times: int
    first_at: datetime
    last_at: datetime


def unknown_codes(tenant_id: UUID | None, entra_tenant_id: UUID | None = None) -> list[UnknownCode]:
    """The newest first; ``None`` for the tenant: of the whole installation."""
    rows = Attempt.objects.filter(unknown_code=True)
    if tenant_id is not None:
        rows = rows.filter(tenant_id=tenant_id)
    if entra_tenant_id is not None:
        rows = rows.filter(entra_tenant_id=entra_tenant_id)
    counted = rows.values("code").annotate(
        times=Count("pk"), first_at=Min("reserved_at"), last_at=Max("reserved_at")
    )
    return [UnknownCode(**row) for row in counted.order_by("-last_at", "code")[:MOST_CODES]]


class LogState(StrEnum):
    """Whether the directory's sign-in log is read; nobody asks for it before something is validated."""

    READ = "read"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Activity:
    """What was sent on behalf of a tenant within 24 hours, and what is known beside it."""

    attempts: int
    most_at_this_pace: int
    pace: float
    log_read_until: datetime | None
    log_refused_because: str
    log_asked_at: datetime | None
    unknown_codes: list[UnknownCode]

    @property
    def log_state(self) -> LogState:
        if self.log_refused_because:
            return LogState.REFUSED
        return LogState.READ if self.log_read_until else LogState.NOT_ASKED


def activity_of(connection: DirectoryConnection, now: datetime) -> Activity:
    directory_id, gate = connection.entra_tenant_id, gate_of(connection.entra_tenant_id)
    sent = Attempt.objects.filter(tenant_id=connection.tenant_id, entra_tenant_id=directory_id)
    pace = limits_of(directory_id).pace
    return Activity(
        attempts=sent.filter(reserved_at__gt=now - WINDOW).count(),
        most_at_this_pace=int(pace * WINDOW.total_seconds()),
        pace=pace,
        log_read_until=gate.log_read_until,
        log_refused_because=gate.log_refused_because,
        log_asked_at=gate.log_asked_at,
        unknown_codes=unknown_codes(connection.tenant_id, directory_id),
    )


def soc_facts(connection: DirectoryConnection, days: int, now: datetime) -> SocFacts:
    """The attempts of this tenant with the application that it is connected with."""
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(f"The attempts of 1 to {MOST_DAYS} days can be listed.", field="days")
    rows = Attempt.objects.filter(
        tenant_id=connection.tenant_id,
        entra_tenant_id=connection.entra_tenant_id,
        client_id=connection.client_id,
        reserved_at__gt=now - timedelta(days=days),
    )
    return SocFacts(
        client_id=connection.client_id,
        entra_tenant_id=connection.entra_tenant_id,
        egress_addresses=tuple(policy_of(connection).egress_addresses),
        attempt_ids=tuple(rows.order_by("-reserved_at", "-id").values_list("pk", flat=True)[:MOST_IDS]),
        attempts=rows.count(),
        days=days,
    )
