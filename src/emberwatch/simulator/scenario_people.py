"""Accounts, groups, roles and licences of a scenario, and what the service's own protection found about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from emberwatch.simulator.scenario_base import CREATED, stable_id


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
class RiskScenario:
    """What the service's own protection makes of an account as a whole."""

    level: Literal["low", "medium", "high", "hidden", "none"] = "high"
    state: Literal["none", "confirmedSafe", "remediated", "dismissed", "atRisk", "confirmedCompromised"] = (
        "atRisk"
    )
    detail: str = "none"
    updated: datetime = CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanScenario:
    """A service plan inside a licence."""

    name: str
    service: str = ""
    id: str = ""

    @property
    def object_id(self) -> str:
        return self.id.lower() or stable_id(f"plan {self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuScenario:
    """A licence that the organisation bought."""

    part_number: str
    id: str = ""
    plans: tuple[PlanScenario, ...] = ()
    units: int = 100
    status: Literal["Enabled", "Warning", "Suspended", "Deleted", "LockedOut"] = "Enabled"

    @property
    def object_id(self) -> str:
        return self.id.lower() or stable_id(f"sku {self.part_number}")


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
    created: datetime = CREATED
    last_password_change: datetime | None = None
    deleted: datetime | None = None
    synced: bool = False
    pass_through: bool = False
    manager: str | None = None
    """By UPN."""
    licences: tuple[str, ...] = ()
    """By the part numbers of the directory's :class:`SkuScenario`."""
    methods: tuple[str, ...] = ()
    """Authentication methods that were registered, by Graph's names; one that is not a password is a second factor."""
    risk: RiskScenario | None = None
    password_expired: bool = False
    force_change: bool | None = None
    """The password has to be changed at the next sign-in (50055); None: nobody ever said."""
    force_change_with_mfa: bool | None = None
    """The same, after a second factor."""
    sessions_valid_from: datetime | None = None
    """When all sessions were revoked, if that was after the password changed."""
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
    dynamic: bool = False
    """A rule decides who belongs to it: nobody can be added or removed."""
    assignable_to_role: bool = False
    created: datetime = CREATED
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
    apps: tuple[str, ...] = ()
    """Apps whose service principals hold the role, by client id."""

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
