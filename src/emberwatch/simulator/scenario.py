"""What a simulated world holds, as frozen data: directories, domains, users, app registrations, faults.

Passwords and secrets stand here in plain text because they are invented; the running server keeps only
keyed hashes of them. :mod:`scenario_check` refuses a scenario that no real directory could be.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from emberwatch.simulator.faults import FaultRule
from emberwatch.simulator.scenario_apps import (
    AppRoleScenario,
    AppScenario,
    CertificateScenario,
    FederatedScenario,
    SecretScenario,
)
from emberwatch.simulator.scenario_base import (
    CLOUD_THRESHOLD,
    CREATED,
    Cloud,
    ScenarioError,
    is_guid,
    stable_id,
)
from emberwatch.simulator.scenario_people import (
    GroupScenario,
    PlanScenario,
    RiskDetectionScenario,
    RiskScenario,
    RoleScenario,
    ScriptedAnswer,
    SkuScenario,
    UserScenario,
)

__all__ = [
    "CLOUD_THRESHOLD",
    "CREATED",
    "AppRoleScenario",
    "AppScenario",
    "CertificateScenario",
    "Cloud",
    "DeltaScenario",
    "DirectoryScenario",
    "DomainScenario",
    "FederatedScenario",
    "GroupScenario",
    "PlanScenario",
    "PopulationScenario",
    "RiskDetectionScenario",
    "RiskScenario",
    "RoleScenario",
    "Scenario",
    "ScenarioError",
    "ScriptedAnswer",
    "SecretScenario",
    "SkuScenario",
    "UserScenario",
    "default_domain",
    "is_guid",
    "stable_id",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainScenario:
    name: str
    authentication: Literal["Managed", "Federated"] = "Managed"
    verified: bool = True
    default: bool = False
    initial: bool = False
    password_validity_days: int | None = None


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
class PopulationScenario:
    """Many made-up accounts, besides those that are named."""

    count: int
    domain: str
    seed: int = 0
    groups: int = 0
    group_size: int = 30
    """Members of a group, on average; the first one has two fifths of everybody."""
    roles: bool = True
    managers: bool = True
    guests: float = 0.03
    synced: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryScenario:
    """One Microsoft directory."""

    id: str
    name: str
    domains: tuple[DomainScenario, ...]
    apps: tuple[AppScenario, ...] = ()
    users: tuple[UserScenario, ...] = ()
    population: PopulationScenario | None = None
    groups: tuple[GroupScenario, ...] = ()
    roles: tuple[RoleScenario, ...] = ()
    detections: tuple[RiskDetectionScenario, ...] = ()
    skus: tuple[SkuScenario, ...] = ()
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
    write_delay_seconds: float = 0
    """Seconds for which Graph's reads show what was before a write; sign-ins and further writes know at once."""
    password_writeback: bool = False
    """New passwords of synced accounts reach the on-premises directory, so Graph accepts them."""
    synced_writes: bool = False
    """Graph lets synced accounts be enabled and disabled, until the next sync puts back what was."""
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
    reports_per_10s: int | None = None
    """The same for the reports: sign-ins and registration details, in requests."""
    delta: DeltaScenario = DeltaScenario()
    created: datetime = CREATED


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
