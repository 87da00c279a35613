"""The case file of a credential: everything that is known about it, oldest first, without its password.

The shape is stable: names are added, never changed, and :data:`FORMAT_VERSION` grows when one must change.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.verdict import Verdict
from emberwatch.exposures.models import Credential, Machine, Sighting, VerdictRecord
from emberwatch.exposures.queries import admin_center_link
from emberwatch.identities.models import Identity
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import permissions_of
from emberwatch.validation.models import Attempt
from emberwatch.validation.proof import Entry

FORMAT: Final = "emberwatch-case-file"
FORMAT_VERSION: Final = 1

_CREDENTIAL: Final = (
    *("id", "login", "domain", "verdict", "verdict_group", "verdict_at", "looked_at", "secret_kind"),
    *("source_kind", "exposure_kind", "leaked_at", "leaked_at_basis", "first_seen_at", "last_seen_at"),
)
_SIGHTING: Final = (
    *(
        "id",
        "file_name",
        "line",
        "url",
        "application",
        "leaked_at",
        "leaked_at_basis",
        "seen_at",
        "import_id",
    ),
)
_MACHINE: Final = (
    *("id", "family", "computer_name", "user_name", "operating_system", "ip_address", "country"),
    *("infected_at", "infected_at_text", "first_seen_at", "last_seen_at"),
)
_IDENTITY: Final = (
    *("id", "entra_tenant_id", "object_id", "user_principal_name", "display_name", "mail", "enabled"),
    *("user_type", "synced", "last_password_change_at", "account_created_at", "read_at"),
)


def case_file(credential: Credential, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The whole file as the values of JSON; ids and times are left as they are for whoever writes them out."""
    may_see_features = Permission.REVEAL_PASSWORD in permissions_of(actor, credential.tenant)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "made_at": now,
        "made_for": actor.label,
        "tenant": {"id": credential.tenant_id, "name": credential.tenant.name},
        "credential": _credential(credential, may_see_features=may_see_features),
        "identity": _identity(credential.identity),
        "sightings": [_sighting(row) for row in _sightings(credential)],
        "verdicts": [_verdict(row) for row in _verdicts(credential)],
        "attempts": [Entry(row, is_own=True).fields() for row in _attempts(credential)],
    }


def export_case_file(credential: Credential, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The case file for somebody who takes it away, which leaves an audit row."""
    with transaction.atomic():
        made = case_file(credential, actor=actor, now=now)
        facts = {"format_version": FORMAT_VERSION}
        subject = f"credential:{credential.id}"
        record(credential.tenant_id, "case.exported", subject, actor=actor, now=now, facts=facts)
    return made


def _fields(row: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _credential(row: Credential, *, may_see_features: bool) -> dict[str, Any]:
    return _fields(row, _CREDENTIAL) | {
        "certainty": row.certainty or None,
        "secret_length": row.secret_length if may_see_features else None,
        "secret_classes": row.secret_classes if may_see_features else None,
        "user_link": admin_center_link(row) or None,
    }


def _identity(row: Identity | None) -> dict[str, Any] | None:
    return _fields(row, _IDENTITY) if row else None


def _sightings(credential: Credential) -> list[Sighting]:
    rows = Sighting.objects.filter(credential=credential, tenant_id=credential.tenant_id)
    return list(rows.select_related("source", "machine").order_by("seen_at", "id"))


def _sighting(row: Sighting) -> dict[str, Any]:
    source = {"source_kind": row.source.kind, "source_name": row.source.name}
    return source | _fields(row, _SIGHTING) | {"machine": _machine(row.machine)}


def _machine(row: Machine | None) -> dict[str, Any] | None:
    return _fields(row, _MACHINE) if row else None


def _verdicts(credential: Credential) -> list[VerdictRecord]:
    rows = VerdictRecord.objects.filter(credential=credential, tenant_id=credential.tenant_id)
    return list(rows.order_by("at", "id"))


def _verdict(row: VerdictRecord) -> dict[str, Any]:
    return {
        "verdict": row.verdict,
        "verdict_group": Verdict(row.verdict).group.value,
        "certainty": row.certainty or None,
        "at": row.at,
        "decided_for": row.decided_for,
        "evidence": row.evidence,
    }


def _attempts(credential: Credential) -> list[Attempt]:
    rows = Attempt.objects.filter(credential=credential, tenant_id=credential.tenant_id)
    return list(rows.order_by("reserved_at", "id"))
