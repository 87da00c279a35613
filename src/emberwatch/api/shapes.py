"""The JSON shapes of the API. Names are stable and shared with the command line's ``--json``.

None of them has a place for a plaintext password or for a directory connection's secret.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

from ninja import Field, Schema
from pydantic import ConfigDict, WithJsonSchema

from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.exposures.models import ExposureKind, SecretKind, SourceKind
from emberwatch.ingestion.models import ImportState
from emberwatch.parsing.columns import Role
from emberwatch.tenants.policy import Permission
from emberwatch.validation.models import AttemptOrigin, AttemptState, RunOrigin, RunState, ValidationState
from emberwatch.validation.policy import Mode

Id: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
"""An id in an address. One that is no UUID is answered like one that does not exist."""


class TenantOut(Schema):
    id: Id
    name: str
    domains: list[str] = Field(description="The monitored domains.")
    addresses: list[str] = Field(description="Single logins that are watched too.")
    login_hosts: list[str] = Field(description="Own hosts at which anybody's login is collected.")
    permissions: list[Permission] = Field(description="What this token may do here.")
    created_at: datetime


class WatchlistIn(Schema):
    """Replaces both lists."""

    model_config = ConfigDict(extra="forbid")

    addresses: list[Annotated[str, Field(max_length=320)]] = Field([], max_length=10_000)
    login_hosts: list[Annotated[str, Field(max_length=300)]] = Field([], max_length=10_000)


class CookieCountsOut(Schema):
    """Entries of cookie files, which are no credentials; `read` is the sum of the others."""

    read: int
    foreign: int
    matched_new: int
    duplicate: int
    rejected: int


class ImportOut(Schema):
    id: Id
    file_name: str
    size: int
    format: str = Field(description="The parser that was asked for; empty for automatic.")
    source_kind: str
    source_name: str
    leaked_at: datetime | None
    breached_at: datetime | None
    columns: list[Role] = Field(description="The columns of a table as they were put right; else empty.")
    state: ImportState
    position: int = Field(description="Bytes of the file that have been read.")
    read: int = Field(description="Entries; the sum of foreign, matched_new, duplicate and rejected.")
    foreign: int
    matched_new: int
    duplicate: int
    rejected: int
    cookies: CookieCountsOut = Field(description="Counted apart from credentials once the import has ended.")
    error: str
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    undone_by: str = Field(description="Who asked for it to be undone; empty when nobody did.")
    undone_at: datetime | None


class ColumnOut(Schema):
    name: str
    role: Role
    samples: list[str] = Field(description="The shape of its first values; what stood in them is masked.")


class ColumnMapOut(Schema):
    """The columns of a table, in its order, and what each is taken for."""

    usable: bool = Field(description="Whether a login and a secret are among them.")
    delimiter: str = Field(description="Of a text table; empty for JSON and SQL.")
    header: bool = Field(description="Whether the first row holds names and no values.")
    columns: list[ColumnOut]


class RejectOut(Schema):
    file: str
    line: int
    reason: str
    sample: str = Field(description="The entry's shape; what stood in it is masked.")


class SkippedPartOut(Schema):
    name: str
    reason: str


class ImportDetailOut(ImportOut):
    rejects: list[RejectOut] | None = Field(
        description="The first rejected entries; null without the permission to import."
    )
    skipped_parts: list[SkippedPartOut]
    undone: dict[str, int] = Field(description="What the undoing removed and kept, by name.")


class IdentityOut(Schema):
    """The account in the directory that the login belongs to."""

    id: Id
    entra_tenant_id: Id
    object_id: Id
    user_principal_name: str
    display_name: str
    mail: str
    enabled: bool | None
    user_type: str
    synced: bool
    last_password_change_at: datetime | None
    account_created_at: datetime | None
    read_at: datetime


class CredentialOut(Schema):
    id: Id
    login: str
    domain: str = Field(description="The monitored domain that the login belongs to.")
    verdict: Verdict
    verdict_group: VerdictGroup
    certainty: Certainty | None
    verdict_at: datetime | None
    secret_kind: SecretKind
    secret_length: int | None = Field(description="Null without the permission to reveal passwords.")
    secret_classes: str | None = Field(
        description="`a` lower, `A` upper, `1` digit, `#` other; null without the permission to reveal."
    )
    source_kind: SourceKind
    exposure_kind: ExposureKind = Field(description="`external`: a foreign login at one of your sites.")
    leaked_at: datetime | None
    leaked_at_basis: str = Field(
        description="Which kind of date it is: infection, breach, stated or first_seen; empty when unknown."
    )
    first_seen_at: datetime
    last_seen_at: datetime
    identity: IdentityOut | None
    matched_by: str = Field(
        description="Why the login is that account's: the property that bears it, with a + behind it when only "
        "without the login's sub-address. `ambiguous` when several accounts bear it; such a login is never tested."
    )


class MachineOut(Schema):
    """An infected device named by a stealer log."""

    id: Id
    family: str
    computer_name: str
    user_name: str
    operating_system: str
    ip_address: str
    country: str
    infected_at: datetime | None
    infected_at_text: str = Field(description="As the log wrote it, when it gave no time zone.")
    first_seen_at: datetime | None
    last_seen_at: datetime | None


class MachineCredentialOut(Schema):
    credential_id: Id
    login: str
    exposure_kind: ExposureKind
    verdict: Verdict
    url: str
    application: str
    file_name: str
    line: int


class CookieOut(Schema):
    """A browser's cookie of one of the tenant's sites. Its value is sealed and part of no answer."""

    id: Id
    machine_id: Id | None
    host: str
    name: str
    path: str
    is_secure: bool
    expires_at: datetime | None = Field(description="Null for one that ends with the browser's session.")
    was_live: bool = Field(description="Whether it could still open a session when it was imported.")
    file_name: str
    line: int
    seen_at: datetime
    import_id: Id


class MachineListedOut(MachineOut):
    credential_count: int
    cookie_count: int = Field(description="Stolen cookies of the tenant's sites.")
    live_cookie_count: int = Field(
        description="Those that were valid when imported: to change the password alone is not enough."
    )


class MachineDetailOut(MachineOut):
    credentials: list[MachineCredentialOut] = Field(description="At most 200, employees' first.")
    cookies: list[CookieOut] = Field(description="At most 200, those that last longest first.")
    live_cookie_count: int = Field(
        description="Cookies that were valid when imported: to change the password alone is not enough."
    )


class SightingOut(Schema):
    id: Id
    source_kind: SourceKind
    source_name: str
    file_name: str
    line: int
    url: str
    application: str
    leaked_at: datetime | None
    leaked_at_basis: str
    seen_at: datetime
    machine: MachineOut | None


class FactOut(Schema):
    """One fact that was read: what it said, who said so, when, and under which id of the source's own."""

    name: str
    value: str
    source: str
    at: str
    request_id: str = ""


class EvidenceOut(Schema):
    """The facts that a verdict rests on. Which of the optional ones are there depends on the method."""

    model_config = ConfigDict(extra="allow")

    method: str = Field(description="How the verdict was reached, such as `one sign-in`.")
    attempts: int = Field(description="Sign-ins that were sent for it: 0 or 1.")
    because: str
    why_not_more_certain: str = ""
    rule: str | None = None
    rule_limits: str | None = Field(None, description="What the rule cannot know.")
    rules_version: str | None = Field(None, description="Version of the rules that decide by facts.")
    facts: list[FactOut] | None = None
    code: str | None = Field(None, description="The directory's own code.")
    code_name: str | None = None
    http_status: int | None = None
    trace_id: str | None = None
    correlation_id: str | None = None
    answered_at: str | None = None
    table_version: str | None = Field(None, description="Version of the table that maps codes to verdicts.")
    attempts_left: int | None = None
    next_slot_at: str | None = Field(None, description="When the attempt budget allows the next sign-in.")
    account: dict[str, Any] | None = None
    directory: dict[str, Any] | None = None


class HistoryEntryOut(Schema):
    verdict: Verdict
    verdict_group: VerdictGroup
    certainty: Certainty | None
    at: datetime
    decided_for: str = Field(description="On whose behalf it was asked.")
    evidence: EvidenceOut


class BearerOut(Schema):
    """One of several accounts that bear a login."""

    object_id: Id
    user_principal_name: str
    reason: str


class CredentialDetailOut(CredentialOut):
    evidence: EvidenceOut | None = Field(description="Of the present verdict; null while nobody has looked.")
    user_link: str | None = Field(
        description="The account in the Entra admin center; given when the verdict's group is active."
    )
    candidates: list[BearerOut] = Field(description="The accounts that bear the login, when it is several.")
    sightings: list[SightingOut] = Field(description="The newest 100.")
    history: list[HistoryEntryOut] = Field(description="The newest 100 verdicts.")


class ValidationOut(Schema):
    """One validation: poll it until its state is `done`."""

    id: Id
    credential_id: Id
    state: ValidationState
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    verdict: Verdict | None = Field(description="Null until the state is `done`.")
    verdict_group: VerdictGroup | None
    certainty: Certainty | None
    evidence: EvidenceOut | None


class ValidateIn(Schema):
    model_config = ConfigDict(extra="forbid")

    confirm: bool = Field(
        False, description="Send a sign-in even when facts make the answer likely, if the rules allow one."
    )


class RunOut(Schema):
    """One validation of the whole feed."""

    id: Id
    entra_tenant_id: Id
    origin: RunOrigin
    mode: Mode = Field(
        description="How far it goes: `triage` reads facts only, `attempts` also sends sign-ins."
    )
    state: RunState
    sentence: str = Field(description="Why it waits or stands still.")
    requested_by: str
    requested_at: datetime
    planned_at: datetime | None
    finished_at: datetime | None
    next_at: datetime | None = Field(description="When there is something to do again.")
    credentials: int
    accounts: int = Field(description="Logins that it is about.")
    decided: int = Field(description="Credentials that have got a verdict in this run.")
    attempts: int = Field(description="Sign-ins that were sent.")


class RunDetailOut(RunOut):
    avoided: int = Field(description="Credentials that were decided without a sign-in of their own.")
    to_look_at: int = Field(description="Logins whose facts are still to be read.")
    to_attempt: int = Field(description="Logins that a sign-in would decide.")
    to_confirm: int = Field(description="Logins whose likely verdict a sign-in would confirm.")
    ends_at: datetime | None = Field(description="When the sign-ins that are due now will have been sent.")


class AttemptOut(Schema):
    """One sign-in that was sent. Of another workspace's only what shows that the budget was kept."""

    id: Id
    reserved_at: datetime
    answered_at: datetime | None
    directory_at: datetime | None = Field(description="The directory's own time of its answer.")
    state: AttemptState
    entra_tenant_id: Id
    object_id: Id
    user_principal_name: str = Field(description="Empty when another workspace sent it.")
    credential_id: Id | None
    run_id: Id | None
    is_own: bool = Field(description="False when another workspace on the same directory sent it.")
    requested_by: str
    origin: AttemptOrigin
    client_id: Id | None = Field(description="The application that it was sent with.")
    code: str
    unknown_code: bool
    verdict: Verdict | None
    counts_as_failed: bool
    client_request_id: Id = Field(description="The sign-in log's correlation id; the attempt's own id.")
    correlation_id: str
    trace_id: str


class AccountBudgetOut(Schema):
    """What the lockout rule leaves for one account at this moment."""

    entra_tenant_id: Id
    object_id: Id
    user_principal_name: str
    allowed: int = Field(description="Failed attempts within 24 hours.")
    failed: int = Field(description="Of ours, within 24 hours.")
    failed_by_others: list[datetime] = Field(description="As the directory's sign-in log showed them.")
    left: int
    next_slot_at: datetime | None = Field(description="Null: now, or never by waiting alone; see `why`.")
    why: str
    lockout_threshold: int


class CaseTenantOut(Schema):
    id: Id
    name: str


class CaseCredentialOut(Schema):
    id: Id
    login: str
    domain: str
    verdict: Verdict
    verdict_group: VerdictGroup
    certainty: Certainty | None
    verdict_at: datetime | None
    looked_at: datetime | None
    secret_kind: SecretKind
    secret_length: int | None
    secret_classes: str | None
    source_kind: SourceKind
    exposure_kind: ExposureKind
    leaked_at: datetime | None
    leaked_at_basis: str
    first_seen_at: datetime
    last_seen_at: datetime
    user_link: str | None


class CaseSightingOut(SightingOut):
    import_id: Id | None


class CaseFileOut(Schema):
    """Everything about one credential, oldest first. `format_version` grows when a name must change."""

    format: str
    format_version: int
    made_at: datetime
    made_for: str
    tenant: CaseTenantOut
    credential: CaseCredentialOut
    identity: IdentityOut | None
    sightings: list[CaseSightingOut]
    verdicts: list[HistoryEntryOut]
    attempts: list[AttemptOut]


class AuditRowOut(Schema):
    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    facts: dict[str, Any]
    previous_hash: str
    row_hash: str


class AuditFaultOut(Schema):
    sequence: int
    what: str


class AuditVerificationOut(Schema):
    is_intact: bool
    length: int = Field(description="The number of rows that the chain's head names.")
    fault: AuditFaultOut | None
