"""What every directory can do, and the facts that it answers with. Adapters stand in a folder per system.

Errors, all safe to show::

    DirectoryError             Unavailable: the directory did not give a usable answer
    ├── DirectoryMisconfigured our registration or settings are at fault: stop before anybody else is touched
    ├── DirectoryBusy          throttled; ``retry_after`` seconds
    ├── DirectoryUnreachable   no connection, or no reply in time
    └── NotOffered             the directory's licence or our permissions leave this ability out
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from emberwatch.core.errors import Unavailable
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict


class DirectoryError(Unavailable):
    """The directory did not give a usable answer."""

    def __init__(
        self, message: str, *, remedy: str = "", code: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.retry_after = retry_after


class DirectoryMisconfigured(DirectoryError):
    """Our registration, its permissions or its settings are at fault."""


class DirectoryBusy(DirectoryError):
    """The directory throttles us; ``retry_after`` says for how many seconds, when it told."""


class DirectoryUnreachable(DirectoryError):
    """No connection, or no reply in time."""


class NotOffered(DirectoryError):
    """An ability that this directory does not give us: no licence for it, or no permission."""


class Authentication(StrEnum):
    MANAGED = "managed"
    FEDERATED = "federated"


@dataclass(frozen=True, slots=True)
class DomainFacts:
    name: str
    is_verified: bool
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """An account as the directory described it at ``read_at``. ``None`` means: the directory did not say."""

    object_id: UUID
    user_principal_name: str
    display_name: str
    mail: str
    enabled: bool | None
    user_type: str
    synced: bool
    last_password_change_at: datetime | None
    created_at: datetime | None
    password_policies: str
    read_at: datetime
    found_by: str
    """The property that the login matched, such as ``userPrincipalName``."""
    external: bool = False
    """Invited from elsewhere, whatever its type says: its password belongs to another organisation."""
    external_state: str = ""
    proxy_addresses: tuple[str, ...] = ()
    """With their kind in front, as in ``SMTP:ann@contoso.example``."""
    other_mails: tuple[str, ...] = ()
    on_premises_upn: str = ""
    on_premises_sam: str = ""
    on_premises_domain: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answer to "whose login is this?". ``account`` is ``None`` when the directory holds no such account."""

    account: AccountFacts | None
    read_at: datetime
    searched: tuple[str, ...]
    """The properties that were searched; an incomplete search cannot prove that an account is missing."""
    complete: bool
    request_id: str = ""
    deleted_at: datetime | None = None
    candidates: tuple[AccountFacts, ...] = ()
    """The accounts that the login may name, where it is more than one: then there is no ``account``."""


Looked: TypeAlias = Lookup | DirectoryError
"""What became of one login of many: one that the directory refused to look up spoils no other."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A group or a directory role that an account belongs to, directly or through groups."""

    key: str
    """A group's object id, or a role's template id, which is the same in every directory."""
    name: str
    is_role: bool
    privileged: bool
    """A role that can change others, or a group to which such a role may be assigned."""


@dataclass(frozen=True, slots=True)
class Memberships:
    memberships: tuple[Membership, ...]
    read_at: datetime
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class LeakDetection:
    """The directory's own finding that a leaked password of an account was its current one at that moment."""

    detection_id: str
    object_id: UUID
    detected_at: datetime


@dataclass(frozen=True, slots=True)
class FailedSignIn:
    """A wrong password that somebody sent, as the directory's sign-in log has it."""

    object_id: UUID
    at: datetime
    client_id: UUID | None
    correlation_id: str


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """``lockout_threshold``: failed tries that lock an account. ``stated``: read from the directory."""

    lockout_threshold: int
    lockout_seconds: int
    stated: bool


@dataclass(frozen=True, slots=True)
class SignInReply:
    """What one attempt brought back; never a token and never a raw text of the directory."""

    verdict: Verdict
    certainty: Certainty | None
    code: str
    code_name: str
    meaning: str
    why_not_more_certain: str
    table_version: str
    http_status: int | None
    trace_id: str
    correlation_id: str
    answered_at: datetime
    directory_at: datetime | None = None
    """The directory's own time of the answer, in whole seconds, when it told it."""
    halts_directory: bool = False
    counts_as_failed: bool = True
    retry_after: float | None = None
    unknown_codes: tuple[int, ...] = ()


class CheckState(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One line of a connection check: a plain sentence, and what to do when it is not right."""

    name: str
    state: CheckState
    sentence: str
    remedy: str = ""
    code: str = ""


class CapabilityState(StrEnum):
    GRANTED = "granted"
    MISSING = "missing"
    NOT_LICENSED = "not_licensed"
    NOT_IN_CLOUD = "not_in_cloud"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CapabilityFinding:
    """Whether the directory lets us do one thing that the product does."""

    name: str
    adds: str
    least_permission: str
    permission: str
    """What to add when it is missing."""
    granted_by: str
    required: bool
    licence: str
    state: CapabilityState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SurplusPermission:
    """A permission that the application holds and the product does not use."""

    permission: str
    risk: str
    instead: str = ""
    """The smaller permission that does for what this one is used for."""


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """Whether one of the application's keys opens the directory, and until when."""

    key_id: UUID
    works: bool
    sentence: str = ""
    remedy: str = ""
    code: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    items: tuple[CheckItem, ...]
    checked_at: datetime
    permissions: tuple[str, ...] = ()
    domains: tuple[DomainFacts, ...] = ()
    organisation_name: str = ""
    policy: PasswordPolicy | None = None
    capabilities: tuple[CapabilityFinding, ...] = ()
    surplus: tuple[SurplusPermission, ...] = ()
    keys: tuple[KeyFinding, ...] = ()
    clock_seconds: float | None = None
    """How far this machine's clock is ahead of the directory's; negative when it is behind."""

    @property
    def fault(self) -> CheckItem | None:
        """The first item that keeps the connection from working."""
        return next((item for item in self.items if item.state is CheckState.FAULT), None)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    value: Secret = field(repr=False)
    word: ClassVar[str] = "secret"


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """``pem``: the private key and the certificate, both as PEM."""

    pem: Secret = field(repr=False)
    word: ClassVar[str] = "certificate"


@dataclass(frozen=True, slots=True)
class FederatedToken:
    """A token of the platform that we run on, which it keeps fresh in a file."""

    path: Path
    word: ClassVar[str] = "the platform's token"


# Of a key that stands in no table.
NO_ID: Final = UUID(int=0)

Proof: TypeAlias = ClientSecret | ClientCertificate | FederatedToken


@dataclass(frozen=True, slots=True)
class AppKey:
    """One way in which our application proves to the directory who it is."""

    proof: Proof
    label: str = "the client secret"
    """What to call it in a sentence."""
    id: UUID = NO_ID
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """What an adapter needs to reach one directory. The keys stand in the order in which they are tried."""

    cloud: str
    entra_tenant_id: UUID
    client_id: UUID
    keys: tuple[AppKey, ...]


class Directory(Protocol):
    """One connected directory. Implementations raise only :class:`DirectoryError` and its kinds."""

    def check(self, monitored_domains: list[str]) -> CheckReport:
        """Tries everything the journey needs and explains in sentences what is wrong; raises nothing."""
        ...

    def read_domains(self) -> tuple[DomainFacts, ...]: ...

    def find_account(self, login: str) -> Lookup:
        """Finds the account that a login names, by the directory's own names for it."""
        ...

    def find_accounts(self, logins: Sequence[str]) -> Mapping[str, Looked]:
        """The same for many logins with few requests; every login gets an answer or its own error.

        Raises :class:`DirectoryError` only when nothing at all could be asked.
        """
        ...

    def read_accounts(
        self, object_ids: Sequence[UUID]
    ) -> Mapping[UUID, AccountFacts | DirectoryError | None]:
        """Fresh facts about accounts that are known already; ``None`` for one that is not there any more."""
        ...

    def read_memberships(self, object_ids: Sequence[UUID]) -> Mapping[UUID, Memberships | DirectoryError]:
        """Groups and active directory roles of accounts, with those that come through other groups."""
        ...

    def sign_in(self, account: AccountFacts, password: Secret, request_id: UUID) -> SignInReply:
        """Sends exactly one sign-in and says what the directory's answer means.

        Any token in the answer is discarded unread. No answer at all is an inconclusive reply, not an error,
        because the directory may have counted the attempt.
        """
        ...

    def user_link(self, object_id: UUID) -> str:
        """The address of the account in the directory's own admin center."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class LeakDetector(Protocol):
    """The directory compares leaked passwords with its current ones by itself."""

    def leak_detections(self, object_ids: Collection[UUID]) -> tuple[LeakDetection, ...]:
        """Findings on these accounts, newest first. Raises :class:`NotOffered` without licence or permission."""
        ...


@runtime_checkable
class SignInLog(Protocol):
    """The directory shows who failed to sign in."""

    def failed_sign_ins(self, since: datetime) -> Iterator[FailedSignIn]:
        """Wrong passwords since a moment, ours among them. Raises :class:`NotOffered` likewise."""
        ...
