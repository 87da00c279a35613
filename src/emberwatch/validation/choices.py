"""Reads what operators have chosen for a directory, and puts the choices of several tenants together."""

from __future__ import annotations

from uuid import UUID

from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.services import lockout_policy
from emberwatch.validation.budget import Policy
from emberwatch.validation.models import KillSwitch, ProtectedEntry, ValidationPolicy
from emberwatch.validation.policy import Hours, Hybrid, Limits, ProtectedKind, Statement, strictest
from emberwatch.validation.triage import Protected


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


def limits_of(entra_tenant_id: UUID) -> Limits:
    """The strictest choices of all tenants that are connected to a directory."""
    rows = ValidationPolicy.objects.filter(connection__entra_tenant_id=entra_tenant_id)
    return strictest([Limits(row.failed_attempts_allowed, row.pace) for row in rows])


def protected_of(entra_tenant_id: UUID) -> frozenset[Protected]:
    """What any of the tenants that are connected to a directory protects."""
    rows = ProtectedEntry.objects.filter(connection__entra_tenant_id=entra_tenant_id)
    return frozenset(
        Protected(ProtectedKind(kind), value) for kind, value in rows.values_list("kind", "value")
    )


def budget_policy(connection: DirectoryConnection, *, synced: bool, single_try: bool) -> Policy:
    """The budget's rule for an account: the lowest threshold and number that any connection to its directory gives."""
    connections = list(DirectoryConnection.objects.filter(entra_tenant_id=connection.entra_tenant_id))
    values = [lockout_policy(row) for row in connections or [connection]]
    return Policy(
        lockout_threshold=min(threshold for threshold, _ in values),
        cloud_limit=min(limit for _, limit in values),
        single_try=single_try or (synced and _is_pass_through(connection.entra_tenant_id)),
        tightened_to=limits_of(connection.entra_tenant_id).failed_attempts_allowed,
    )


def _is_pass_through(entra_tenant_id: UUID) -> bool:
    rows = ValidationPolicy.objects.filter(connection__entra_tenant_id=entra_tenant_id)
    return rows.filter(hybrid=Hybrid.PASS_THROUGH).exists()


def kill_switch() -> KillSwitch | None:
    """The kill switch, while it is in force."""
    return KillSwitch.objects.filter(lifted_at__isnull=True).first()
