"""The JSON shapes of a directory's connection: its keys, what a check finds, how it is doing.

None of them has a place for a plaintext that goes out; what comes in is a ``SecretStr``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ninja import Field, Schema
from pydantic import ConfigDict, SecretStr

from emberwatch.api.shapes import Id
from emberwatch.directories.base import CapabilityState, CheckState
from emberwatch.directories.entra.certificates import LARGEST_FILE
from emberwatch.directories.entra.clouds import CUSTOM
from emberwatch.directories.models import ConnectionStatus, KeyKind
from emberwatch.identities.models import SyncState

# Base64 makes four characters of three bytes.
_LARGEST_CERTIFICATE: Final = LARGEST_FILE * 4 // 3 + 4


class CheckItemOut(Schema):
    name: str
    state: CheckState
    sentence: str
    remedy: str
    code: str


class DirectoryDomainOut(Schema):
    name: str
    is_verified: bool
    authentication: str


class CapabilityOut(Schema):
    """One thing that Emberwatch does with a directory, and whether it may."""

    name: str
    adds: str = Field(description="What Emberwatch does with it.")
    least_permission: str = Field(description="The least permission that Microsoft Graph asks for.")
    permission: str = Field(description="The permission to add when it is missing.")
    granted_by: str = Field(description="The permission that grants it now, or empty.")
    required: bool
    licence: str = Field(description="What the directory has to have for it, or empty.")
    state: CapabilityState
    reason: str


class SurplusPermissionOut(Schema):
    """A permission that the application holds and Emberwatch does not use."""

    permission: str
    risk: str
    instead: str = Field(description="The smaller permission that would do, or empty.")


class KeyOut(Schema):
    """One way in which the application proves who it is. What it holds is never shown."""

    id: Id
    kind: KeyKind
    label: str
    thumbprint: str = Field(description="SHA-1 of a certificate, as the portal shows it; else empty.")
    ends_at: datetime | None = Field(
        description="From the certificate, or from the app registration as the last check read it."
    )
    added_at: datetime
    works: bool | None = Field(description="What the last check found; null until one could tell.")
    in_use: bool
    checked_at: datetime | None
    sentence: str
    remedy: str
    code: str


class Diagnosis(Schema):
    """What a check found beside its items."""

    capabilities: list[CapabilityOut]
    surplus_permissions: list[SurplusPermissionOut]
    keys: list[KeyOut]
    clock_seconds: float | None = Field(
        description="How far Emberwatch's clock is ahead of the directory's; negative when it is behind."
    )
    consent_link: str = Field(description="Microsoft's page for admin consent in this cloud.")
    permissions_link: str = Field(description="The application's API permissions in the admin center.")
    credentials_link: str = Field(description="The application's Certificates & secrets there.")


class DirectoryOut(Diagnosis):
    """A tenant's Entra ID Configuration. No secret and no private key is ever part of it."""

    kind: str
    cloud: str
    entra_tenant_id: Id
    client_id: Id
    status: ConnectionStatus
    status_sentence: str
    halted_at: datetime | None = Field(
        description="Set when an answer stopped the directory: nothing is sent until a check is good again."
    )
    last_check_at: datetime | None
    last_good_check_at: datetime | None
    check_items: list[CheckItemOut]
    permissions: list[str] = Field(description="Application permissions that the directory granted.")
    domains: list[DirectoryDomainOut]
    organisation_name: str
    lockout_threshold: int | None
    lockout_seconds: int | None
    created_at: datetime
    updated_at: datetime


class KeyIn(Schema):
    """One of a client secret, a certificate, or the platform's federated token."""

    model_config = ConfigDict(extra="forbid")

    client_secret: SecretStr = Field(
        SecretStr(""),
        max_length=1000,
        description="Entra Client Secret: the Value, not the ID. Empty keeps the stored one.",
    )
    certificate: SecretStr = Field(
        SecretStr(""),
        max_length=_LARGEST_CERTIFICATE,
        description="In the secret's place: a PFX, or a PEM with its private key, in base64.",
    )
    certificate_password: SecretStr = Field(
        SecretStr(""), max_length=1000, description="What opens the certificate's file; it is not stored."
    )
    federated: bool = Field(
        False, description="In the secret's place: the operator's federated token. Organisation admins only."
    )


class DirectoryIn(KeyIn):
    """The three fields of Entra ID Configuration and the cloud."""

    client_id: str = Field(max_length=100, description="Entra Client ID: the Application (client) ID.")
    entra_tenant_id: str = Field(max_length=100, description="Entra Tenant ID: the Directory (tenant) ID.")
    cloud: str = Field(
        "global",
        max_length=16,
        description=f"global, usgov, usgovdod, china, or {CUSTOM} when the operator has set one.",
    )


class CheckOut(Diagnosis):
    status: ConnectionStatus
    status_sentence: str
    checked_at: datetime
    items: list[CheckItemOut]


class AttemptCountsOut(Schema):
    """Sign-ins of the last 24 hours against what the rules allow."""

    sent: int = Field(description="On behalf of this tenant.")
    failed: int
    accounts: int
    accounts_at_limit: int = Field(
        description="Accounts of the directory with no failed attempt left, whichever tenant spent them."
    )
    allowed_per_account: int
    most_at_this_pace: int


class DirectoryCountsOut(Schema):
    accounts: int = Field(description="Accounts of the directory that this tenant knows.")
    credentials: int
    verified_domains: int
    federated_domains: int


class CallCountsOut(Schema):
    """Requests of the last 24 hours, by what became of them."""

    total: int
    answered: int
    refused: int
    throttled: int
    failed: int
    unanswered: int
    average_milliseconds: int
    slowest_milliseconds: int
    last_good_at: datetime | None


class HealthOut(Schema):
    """How the directory is doing."""

    status: ConnectionStatus
    status_sentence: str
    halted_at: datetime | None
    last_check_at: datetime | None
    last_good_check_at: datetime | None
    clock_seconds: float | None
    reads_not_before: datetime | None = Field(
        description="The directory asked for a pause in reads until then."
    )
    sign_ins_not_before: datetime | None = Field(description="And in sign-ins until then.")
    sync_state: SyncState
    sync_sentence: str = Field(description="What keeps the copy of the directory from being up to date.")
    last_sync_at: datetime | None = Field(description="When the last reading of the directory was complete.")
    attempts: AttemptCountsOut
    counts: DirectoryCountsOut
    calls: CallCountsOut


class DirectoryCallOut(Schema):
    """One request to the directory. Bodies, queries, names and ids in its address are not kept."""

    id: Id
    at: datetime
    service: str = Field(description="`graph` or `sign-in`.")
    method: str
    path: str
    status: int | None = Field(description="Null when no answer came.")
    failure: str = Field(description="The kind of failure when no answer came.")
    milliseconds: int
    request_id: str = Field(description="The directory's own id of the request.")
    client_request_id: str
