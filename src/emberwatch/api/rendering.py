"""From the product's objects to the shapes of the API."""

from __future__ import annotations

from typing import TypeVar

from ninja import Schema

from emberwatch.api.shapes import (
    AccountBudgetOut,
    AttemptOut,
    AuditRowOut,
    AuditVerificationOut,
    BearerOut,
    CaseFileOut,
    ColumnMapOut,
    CookieCountsOut,
    CookieOut,
    CredentialDetailOut,
    CredentialOut,
    EvidenceOut,
    HistoryEntryOut,
    IdentityOut,
    ImportDetailOut,
    ImportOut,
    MachineCredentialOut,
    MachineDetailOut,
    MachineListedOut,
    MachineOut,
    RunDetailOut,
    RunOut,
    SightingOut,
    TenantOut,
    ValidationOut,
)
from emberwatch.audit.chain import Fault
from emberwatch.audit.models import AuditRow
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Cookie, Credential, Machine, Sighting, VerdictRecord
from emberwatch.exposures.queries import (
    admin_center_link,
    ambiguous_bearers,
    cookies_on,
    history_of,
    live_cookie_count,
    sightings_of,
    sightings_on,
)
from emberwatch.identities.models import Identity
from emberwatch.identities.queries import Bearer
from emberwatch.ingestion.counts import ImportCounts
from emberwatch.ingestion.models import Import
from emberwatch.parsing.columns import ColumnMap
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import login_hosts, monitored_addresses, monitored_domains
from emberwatch.validation.ledger_export import as_json
from emberwatch.validation.models import Run, Validation, ValidationState
from emberwatch.validation.proof import AccountBudget, Entry
from emberwatch.validation.queries import RunProgress

Shape = TypeVar("Shape", bound=Schema)


def filled(shape: type[Shape], row: object, **others: object) -> Shape:
    """The shape with every field that is not given read from the attribute of the same name."""
    names = [name for name in shape.model_fields if name not in others]
    return shape.model_validate({name: _plain(getattr(row, name)) for name in names} | others)


def _plain(value: object) -> object:
    return str(value) if type(value).__name__ == "UUID" else value


def tenant(row: Tenant, permissions: frozenset[Permission]) -> TenantOut:
    return filled(
        TenantOut,
        row,
        domains=monitored_domains(row),
        addresses=monitored_addresses(row),
        login_hosts=login_hosts(row),
        permissions=sorted(permissions),
    )


def leak_import(row: Import) -> ImportOut:
    return filled(ImportOut, row, cookies=_cookie_counts(row))


def import_detail(row: Import, permissions: frozenset[Permission]) -> ImportDetailOut:
    rejects = row.rejects if Permission.IMPORT in permissions else None
    return filled(ImportDetailOut, row, rejects=rejects, cookies=_cookie_counts(row))


def column_map(found: ColumnMap) -> ColumnMapOut:
    return ColumnMapOut.model_validate({"usable": found.usable} | found.as_dict())


def _cookie_counts(row: Import) -> CookieCountsOut:
    return CookieCountsOut(**ImportCounts.from_dict(row.cookies).to_dict())


def machine_listed(row: Machine) -> MachineListedOut:
    """Needs the counts that ``newest_machines`` adds."""
    return filled(MachineListedOut, row)


def machine_detail(row: Machine) -> MachineDetailOut:
    return filled(
        MachineDetailOut,
        row,
        credentials=[_on_machine(each) for each in sightings_on(row)],
        cookies=[cookie(each) for each in cookies_on(row)],
        live_cookie_count=live_cookie_count(row),
    )


def cookie(row: Cookie) -> CookieOut:
    return filled(CookieOut, row)


def _on_machine(row: Sighting) -> MachineCredentialOut:
    credential = row.credential
    return filled(
        MachineCredentialOut,
        row,
        credential_id=str(credential.id),
        login=credential.login,
        exposure_kind=credential.exposure_kind,
        verdict=credential.verdict,
    )


def _certainty(value: str) -> Certainty | None:
    return Certainty(value) if value else None


def _secret_features(row: Credential, permissions: frozenset[Permission]) -> dict[str, object]:
    if Permission.REVEAL_PASSWORD in permissions:
        return {"secret_length": row.secret_length, "secret_classes": row.secret_classes}
    return {"secret_length": None, "secret_classes": None}


def _credential_fields(row: Credential, permissions: frozenset[Permission]) -> dict[str, object]:
    return {
        "identity": _identity(row.identity),
        "certainty": _certainty(row.certainty),
    } | _secret_features(row, permissions)


def credential(row: Credential, permissions: frozenset[Permission]) -> CredentialOut:
    return filled(CredentialOut, row, **_credential_fields(row, permissions))


def credential_detail(row: Credential, permissions: frozenset[Permission]) -> CredentialDetailOut:
    history = [_history_entry(entry) for entry in history_of(row)]
    return filled(
        CredentialDetailOut,
        row,
        **_credential_fields(row, permissions),
        evidence=history[0].evidence if history else None,
        user_link=admin_center_link(row) or None,
        candidates=[_bearer(each) for each in ambiguous_bearers(row)],
        sightings=[_sighting(sighting) for sighting in sightings_of(row)],
        history=history,
    )


def _identity(row: Identity | None) -> IdentityOut | None:
    return filled(IdentityOut, row) if row else None


def _bearer(row: Bearer) -> BearerOut:
    return BearerOut(
        object_id=str(row.identity.object_id),
        user_principal_name=row.identity.user_principal_name,
        reason=row.candidate.reason.code,
    )


def _sighting(row: Sighting) -> SightingOut:
    return filled(
        SightingOut,
        row,
        source_kind=row.source.kind,
        source_name=row.source.name,
        machine=filled(MachineOut, row.machine) if row.machine else None,
    )


def _history_entry(row: VerdictRecord) -> HistoryEntryOut:
    return filled(
        HistoryEntryOut,
        row,
        verdict_group=Verdict(row.verdict).group,
        certainty=_certainty(row.certainty),
        evidence=EvidenceOut.model_validate(row.evidence),
    )


def validation(row: Validation) -> ValidationOut:
    record = row.verdict_record if row.state == ValidationState.DONE else None
    entry = _history_entry(record) if record else None
    return filled(
        ValidationOut,
        row,
        verdict=entry.verdict if entry else None,
        verdict_group=entry.verdict_group if entry else None,
        certainty=entry.certainty if entry else None,
        evidence=entry.evidence if entry else None,
    )


def run(row: Run) -> RunOut:
    return filled(RunOut, row)


def run_detail(row: Run, progress: RunProgress) -> RunDetailOut:
    names = ("avoided", "to_look_at", "to_attempt", "to_confirm", "ends_at")
    return filled(RunDetailOut, row, **{name: getattr(progress, name) for name in names})


def attempt(entry: Entry) -> AttemptOut:
    return AttemptOut.model_validate(as_json(entry.fields()))


def account_budget(found: AccountBudget) -> AccountBudgetOut:
    return filled(
        AccountBudgetOut,
        found.remaining,
        entra_tenant_id=str(found.entra_tenant_id),
        object_id=str(found.object_id),
        user_principal_name=found.identity.user_principal_name,
        failed_by_others=found.others,
        lockout_threshold=found.policy.lockout_threshold,
    )


def case_file(made: dict[str, object]) -> CaseFileOut:
    return CaseFileOut.model_validate(as_json(made))


def audit_row(row: AuditRow) -> AuditRowOut:
    return filled(AuditRowOut, row)


def audit_verification(length: int, fault: Fault | None) -> AuditVerificationOut:
    return AuditVerificationOut.model_validate(
        {
            "is_intact": fault is None,
            "length": length,
            "fault": {"sequence": fault.sequence, "what": fault.what} if fault else None,
        }
    )
