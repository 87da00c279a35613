"""The rows of ``--json``: the same field names as the API's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from emberwatch.audit.chain import Fault
from emberwatch.core.verdict import Verdict
from emberwatch.exposures.models import Cookie, Credential, Machine
from emberwatch.identities.models import Identity
from emberwatch.identities.progress import SyncProgress
from emberwatch.ingestion.counts import ImportCounts
from emberwatch.ingestion.models import Import
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import login_hosts, monitored_addresses, monitored_domains
from emberwatch.validation.models import Run, Validation, ValidationState
from emberwatch.validation.queries import RunProgress

_IDENTITY: Final = (
    "id",
    "entra_tenant_id",
    "object_id",
    "user_principal_name",
    "display_name",
    "mail",
    "enabled",
    "user_type",
    "synced",
    "last_password_change_at",
    "account_created_at",
    "read_at",
)
_CREDENTIAL: Final = (
    "id",
    "login",
    "domain",
    "verdict",
    "verdict_group",
    "verdict_at",
    "secret_kind",
    "secret_length",
    "secret_classes",
    "source_kind",
    "exposure_kind",
    "leaked_at",
    "leaked_at_basis",
    "first_seen_at",
    "last_seen_at",
    "matched_by",
)
_IMPORT: Final = (
    "id",
    "file_name",
    "size",
    "format",
    "source_kind",
    "source_name",
    "leaked_at",
    "breached_at",
    "columns",
    "state",
    "position",
    "read",
    "foreign",
    "matched_new",
    "duplicate",
    "rejected",
    "error",
    "requested_by",
    "requested_at",
    "started_at",
    "finished_at",
    "undone_by",
    "undone_at",
)
_MACHINE: Final = (
    "id",
    "family",
    "computer_name",
    "user_name",
    "operating_system",
    "ip_address",
    "country",
    "infected_at",
    "infected_at_text",
    "first_seen_at",
    "last_seen_at",
    "credential_count",
    "cookie_count",
    "live_cookie_count",
)
_COOKIE: Final = (
    "id",
    "machine_id",
    "host",
    "name",
    "path",
    "is_secure",
    "expires_at",
    "was_live",
    "file_name",
    "line",
    "seen_at",
    "import_id",
)
_RUN: Final = (
    "id",
    "entra_tenant_id",
    "origin",
    "mode",
    "state",
    "sentence",
    "requested_by",
    "requested_at",
    "planned_at",
    "finished_at",
    "next_at",
    "credentials",
    "accounts",
    "decided",
    "attempts",
)
_RUN_PROGRESS: Final = ("avoided", "to_look_at", "to_attempt", "to_confirm", "ends_at")
_SYNC: Final = (
    "entra_tenant_id",
    "state",
    "sentence",
    "stage",
    "group_id",
    "requested_by",
    "requested_at",
    "started_at",
    "finished_at",
    "next_at",
    "accounts",
    "groups",
    "counts",
)
_VALIDATION: Final = ("id", "credential_id", "state", "requested_by", "requested_at", "finished_at")


def fields(row: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def tenant(row: Tenant) -> dict[str, Any]:
    rest = {
        "domains": monitored_domains(row),
        "addresses": monitored_addresses(row),
        "login_hosts": login_hosts(row),
        "permissions": sorted(Permission),
    }
    return {"id": row.id, "name": row.name, "created_at": row.created_at} | rest


def credential(row: Credential) -> dict[str, Any]:
    rest = {"certainty": row.certainty or None, "identity": identity(row.identity) if row.identity else None}
    return fields(row, _CREDENTIAL) | rest


def identity(row: Identity) -> dict[str, Any]:
    return fields(row, _IDENTITY)


def leak_import(row: Import) -> dict[str, Any]:
    return fields(row, _IMPORT) | {"cookies": ImportCounts.from_dict(row.cookies)}


def machine(row: Machine) -> dict[str, Any]:
    return fields(row, _MACHINE)


def cookie(row: Cookie) -> dict[str, Any]:
    return fields(row, _COOKIE)


def validation(row: Validation) -> dict[str, Any]:
    """Needs ``verdict_record`` to be read already, or reads it."""
    entry = row.verdict_record if row.state == ValidationState.DONE else None
    found = {
        "verdict": entry.verdict if entry else None,
        "verdict_group": Verdict(entry.verdict).group if entry else None,
        "certainty": entry.certainty or None if entry else None,
        "evidence": entry.evidence if entry else None,
    }
    return fields(row, _VALIDATION) | found


def run(row: Run) -> dict[str, Any]:
    return fields(row, _RUN)


def run_progress(progress: RunProgress) -> dict[str, Any]:
    return fields(progress, _RUN_PROGRESS)


def sync(progress: SyncProgress) -> dict[str, Any]:
    return fields(progress, _SYNC) | {"switched_off": [asdict(each) for each in progress.switched_off]}


def audit_verification(chain: str, length: int, fault: Fault | None) -> dict[str, Any]:
    found = {"sequence": fault.sequence, "what": fault.what} if fault else None
    return {"chain": chain, "is_intact": fault is None, "length": length, "fault": found}
