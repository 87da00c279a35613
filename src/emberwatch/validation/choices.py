"""Reads what operators have chosen for a directory, and puts the choices of several tenants together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.services import lockout_policy
from emberwatch.validation.budget import Policy
from emberwatch.validation.models import KillSwitch, ProtectedEntry, ValidationPolicy
from emberwatch.validation.policy import Hours, Hybrid, Limits, ProtectedKind, Statement, strictest
from emberwatch.validation.triage_facts import Protected


def policy_of(connection: DirectoryConnection) -> ValidationPolicy:
    """The stored choices of a connection, or the defaults."""
    found = ValidationPolicy.objects.filter(connection=connection).first()
    return found or ValidationPolicy(connection=connection)


def statement_of(policy: ValidationPolicy) -> Statement:
    return Statement(
        hybrid=Hybrid(policy.hybrid),
        cloud_password_validation=policy.cloud_password_validation,
        test_privileged=policy.test_privileged,
    )


def hours_of(policy: ValidationPolicy) -> Hours | None:
    if policy.hours_from is None or policy.hours_until is None:
        return None
    return Hours(policy.hours_from, policy.hours_until, policy.time_zone)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all connections to one directory together leave room for: of each choice the strictest."""

    lockout_threshold: int
    cloud_limit: int
    limits: Limits
    pass_through: bool

    def budget(self, *, synced: bool, single_try: bool) -> Policy:
        """The budget's rule for an account."""
        return Policy(
            lockout_threshold=self.lockout_threshold,
            cloud_limit=self.cloud_limit,
            single_try=single_try or (synced and self.pass_through),
            tightened_to=self.limits.failed_attempts_allowed,
        )


def connections_to(entra_tenant_id: UUID) -> list[DirectoryConnection]:
    """Every tenant's connection to a directory, with its stored choices."""
    rows = DirectoryConnection.objects.filter(entra_tenant_id=entra_tenant_id)
    return list(rows.select_related("validation_policy"))


def bounds_of(connections: Sequence[DirectoryConnection]) -> Bounds:
    """``connections``: all to one directory, at least one."""
    policies = [policy for policy in map(_stored_choices, connections) if policy is not None]
    lockouts = [lockout_policy(row) for row in connections]
    return Bounds(
        lockout_threshold=min(threshold for threshold, _ in lockouts),
        cloud_limit=min(limit for _, limit in lockouts),
        limits=_strictest(policies),
        pass_through=any(policy.hybrid == Hybrid.PASS_THROUGH for policy in policies),
    )


def limits_of(entra_tenant_id: UUID) -> Limits:
    """The strictest stored choices of all tenants that are connected to a directory."""
    return _strictest(ValidationPolicy.objects.filter(connection__entra_tenant_id=entra_tenant_id))


def _strictest(policies: Iterable[ValidationPolicy]) -> Limits:
    return strictest([Limits(policy.failed_attempts_allowed, policy.pace) for policy in policies])


def _stored_choices(connection: DirectoryConnection) -> ValidationPolicy | None:
    try:
        return connection.validation_policy
    except ValidationPolicy.DoesNotExist:
        return None


def protected_of(entra_tenant_id: UUID) -> frozenset[Protected]:
    """What any of the tenants that are connected to a directory protects."""
    rows = ProtectedEntry.objects.filter(connection__entra_tenant_id=entra_tenant_id)
    return frozenset(
        Protected(ProtectedKind(kind), value) for kind, value in rows.values_list("kind", "value")
    )


def budget_policy(connection: DirectoryConnection, *, synced: bool, single_try: bool) -> Policy:
    """The budget's rule for an account of a connection's directory."""
    connections = connections_to(connection.entra_tenant_id) or [connection]
    return bounds_of(connections).budget(synced=synced, single_try=single_try)


def kill_switch() -> KillSwitch | None:
    """The kill switch, while it is in force."""
    return KillSwitch.objects.filter(lifted_at__isnull=True).first()
