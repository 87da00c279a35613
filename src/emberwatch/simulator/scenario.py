"""What a simulated world holds, as frozen data: directories, domains, users, app registrations, faults.

Passwords and secrets stand here in plain text because they are invented; the running server keeps only
keyed hashes of them. :mod:`scenario_check` refuses a scenario that no real directory could be.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal

from emberwatch.core.errors import BadInput
from emberwatch.simulator.faults import FaultRule

_NAMESPACE: Final = uuid.UUID("6b1d7a52-5d55-4f0e-9d0a-5b0f3f8f4a11")
_CREATED: Final = datetime(2021, 3, 1, 8, 0, tzinfo=UTC)


class ScenarioError(BadInput):
    """The scenario cannot be used; the message names the path of the bad value."""


class Cloud(StrEnum):
    """The national clouds; a server plays one of them, and a directory lives in one."""

    GLOBAL = "global"
    USGOV = "usgov"
    USGOVDOD = "usgovdod"
    CHINA = "china"


CLOUD_THRESHOLD: Final[Mapping[Cloud, int]] = {
    Cloud.GLOBAL: 10,
    Cloud.CHINA: 10,
    Cloud.USGOV: 3,
    Cloud.USGOVDOD: 3,
}


def stable_id(text: str) -> str:
    """A GUID that follows from a text, so that scenarios need not spell out ids."""
    return str(uuid.uuid5(_NAMESPACE, text.casefold()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedAnswer:
    """A code that a user's sign-in ends in, whatever the ordinary checks would say."""

    code: int
    when: Literal["any", "right", "wrong"] = "any"
    """``any``: before the password is looked at; ``right`` and ``wrong``: after it."""
    times: int | None = None
    """Answer only so many times, then behave normally."""
    error: str = ""
    suberror: str = ""
    status: int | None = None
    extra_codes: tuple[int, ...] = ()
    """Further codes that stand before the code in ``error_codes``, as in old answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserScenario:
    """One account: what Graph shows of it and what stops its sign-in."""

    upn: str
    id: str = ""
    password: str | None = field(default=None, repr=False)
    """None: an account without a cloud password (50056)."""
    previous_passwords: tuple[str, ...] = field(default=(), repr=False)
    previous_answer: int | None = None
    """50054 to tell a previous password apart; None answers it like any wrong one."""
    display_name: str = ""
    mail: str | None = None
    other_mails: tuple[str, ...] = ()
    proxy_addresses: tuple[str, ...] = ()
    enabled: bool = True
    user_type: Literal["Member", "Guest"] = "Member"
    home: Literal["entra", "msa", "otp"] = "entra"
    """Where a guest signs in: another directory, a personal account, or by a one-time code."""
    created: datetime = _CREATED
    last_password_change: datetime | None = None
    deleted: datetime | None = None
    synced: bool = False
    pass_through: bool = False
    manager: str | None = None
    """By UPN."""
    password_expired: bool = False
    mfa: Literal["none", "required", "enroll"] = "none"
    blocked_by_policies: tuple[str, ...] = ()
    """Ids of Conditional Access policies that block the sign-in."""
    external_challenge: bool = False
    answer: ScriptedAnswer | None = None
    locked_seconds: float = 0
    """Start with the account locked by others for so long."""
    failures_by_others: int = 0
    """Start with so many wrong tries by others on the counter."""
    last_sign_in: datetime | None = None
    last_successful_sign_in: datetime | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Further Graph properties, by their Graph names."""

    @property
    def object_id(self) -> str:
        # A deleted account and its successor of the same name are two objects.
        return self.id.lower() or stable_id(self.upn if self.deleted is None else f"deleted {self.upn}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretScenario:
    value: str = field(repr=False)
    key_id: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateScenario:
    """A registered certificate: the public part as PEM text."""

    pem: str
    answer: int | None = None
    """A code such as 700030 that every assertion signed with it gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppScenario:
    """An app registration with its enterprise application in the same directory."""

    client_id: str
    display_name: str = "Emberwatch"
    secrets: tuple[SecretScenario, ...] = ()
    certificates: tuple[CertificateScenario, ...] = ()
    granted_roles: tuple[str, ...] = ()
    consented_scopes: tuple[str, ...] = ()
    assignment_required: bool = False
    assigned_users: tuple[str, ...] = ()
    disabled: bool = False
    public_client: bool = False
    cloud_password_validation: bool = False
    """A home realm policy lets the cloud check the passwords of federated users (needs hash sync)."""
    token_answer: int | None = None
    """A code such as 53003 that the app's own token request ends in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainScenario:
    name: str
    authentication: Literal["Managed", "Federated"] = "Managed"
    verified: bool = True
    default: bool = False
    initial: bool = False
    password_validity_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScenario:
    """A group; ``groups`` names the groups inside it, by display name."""

    display_name: str
    id: str = ""
    description: str | None = None
    mail: str | None = None
    security_enabled: bool = True
    unified: bool = False
    """A Microsoft 365 group."""
    synced: bool = False
    assignable_to_role: bool = False
    created: datetime = _CREATED
    members: tuple[str, ...] = ()
    """By UPN."""
    groups: tuple[str, ...] = ()

    @property
    def object_id(self) -> str:
        return self.id.lower() or stable_id(f"group {self.display_name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleScenario:
    """An activated directory role, by the id of its template."""

    template_id: str
    display_name: str
    members: tuple[str, ...] = ()
    """By UPN."""
    groups: tuple[str, ...] = ()
    """Groups that hold the role, by display name; they must be assignable to roles."""

    @property
    def object_id(self) -> str:
        return stable_id(f"role {self.template_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskDetectionScenario:
    """Something that the service's own protection found about an account; it shows from ``detected`` on."""

    upn: str
    detected: datetime
    id: str = ""
    risk_event_type: str = "leakedCredentials"
    risk_level: Literal["low", "medium", "high", "hidden", "none"] = "high"
    risk_state: Literal[
        "none", "confirmedSafe", "remediated", "dismissed", "atRisk", "confirmedCompromised"
    ] = "atRisk"
    activity: datetime | None = None
    """When what was found happened; None: when it was found."""

    @property
    def object_id(self) -> str:
        return self.id or stable_id(f"risk {self.upn} {self.risk_event_type} {self.detected.isoformat()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaScenario:
    """How delta queries behave; a running server's can be changed by its control routes."""

    page: int = 100
    """Objects on a page."""
    links: int = 1000
    """Members that one object shows at a time; a larger group comes again on the next page with the rest."""
    lifetime_seconds: float = 7 * 24 * 3600
    page_lifetime_seconds: float | None = None
    """Ends a ``$skiptoken`` sooner, with ``Directory_ExpiredPageToken``; None: it lives as long as others."""
    expired_status: Literal[400, 410] = 410
    """What ``syncStateNotFound`` comes with; both have been seen."""
    repeats: float = 0.0
    """Chance that an object is sent once more, and that a finished round is told again in the next one."""
    shuffled: bool = False
    """Let the order of a page be random."""
    empty_pages: float = 0.0
    """Chance of a page without objects before the one that holds them."""
    removed_at_first: bool = False
    """Let the first round tell of accounts that were deleted before it."""
    refused: bool = False
    """The directory is of a kind that has no delta queries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryScenario:
    """One Microsoft directory."""

    id: str
    name: str
    domains: tuple[DomainScenario, ...]
    apps: tuple[AppScenario, ...] = ()
    users: tuple[UserScenario, ...] = ()
    groups: tuple[GroupScenario, ...] = ()
    roles: tuple[RoleScenario, ...] = ()
    detections: tuple[RiskDetectionScenario, ...] = ()
    cloud: Cloud | None = None
    """None: the cloud that the server plays."""
    other_cloud_answer: int = 90038
    premium: bool = False
    premium_refusal: Literal["Forbidden", "AccessDenied", "AadPremiumLicenseRequired"] = "Forbidden"
    """The code with which risk detections are refused without ``premium``; three have been seen."""
    one_protection_request_a_second: bool = False
    """All apps of the directory together get one; the 429 beyond it names no time to wait."""
    sign_in_log_delay: float = 0
    """Seconds after which a sign-in shows in the log."""
    lockout_threshold: int | None = None
    lockout_seconds: int | None = None
    password_hash_sync: bool = False
    pass_through: bool = False
    agent_fault: int | None = None
    """80001 … 80014: the pass-through agents answer nothing else."""
    disabled_check: Literal["before_password", "after_password"] = "before_password"
    unknown_domain_answer: int = 50059
    alternate_login: bool = False
    """The mail address is accepted as a user name too."""
    resource_units_per_10s: int | None = None
    """Graph answers 429 beyond so many resource units of one app."""
    delta: DeltaScenario = DeltaScenario()
    created: datetime = _CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    directories: tuple[DirectoryScenario, ...]
    cloud: Cloud = Cloud.GLOBAL
    faults: tuple[FaultRule, ...] = ()
    seed: int = 0
    start: datetime | None = None
    """The simulated time at the start; None: the real one."""


def default_domain(directory: DirectoryScenario) -> DomainScenario:
    """The domain marked default, else the first."""
    return next((domain for domain in directory.domains if domain.default), directory.domains[0])


def is_guid(value: str) -> bool:
    """Whether a text is a GUID in its usual hyphenated form."""
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
