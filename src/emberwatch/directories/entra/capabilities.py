"""What the product can do with a directory, as rows: the least permission for it, and what else opens it. Pure.

Source of the permissions: Microsoft Graph's permission reference, gathered 2026-11-23.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from emberwatch.directories.base import (
    CapabilityFinding,
    CapabilityState,
    DirectoryError,
    NotOffered,
    SurplusPermission,
)
from emberwatch.directories.entra.abilities import ABILITIES, Ability
from emberwatch.directories.entra.faults import NOT_PREMIUM

READS_ALL: Final = "Directory.Read.All"
_OPENS_ALL: Final = (READS_ALL, "Directory.ReadWrite.All")


@dataclass(frozen=True, slots=True)
class Capability:
    """``least``: the least permission that Graph asks for. Whatever reads the whole directory opens it too."""

    name: str
    least: str
    adds: str

    def opened_by(self, roles: Collection[str]) -> str:
        """The smallest held permission that opens it, or nothing."""
        ways = (self.least, READS_ALL, self.least.replace(".Read.", ".ReadWrite."), _OPENS_ALL[1])
        return next((way for way in ways if way in roles), "")


# One permission covers all of these, so it is the one to add.
BASE: Final = (
    Capability(
        "Accounts", "User.Read.All", "finds the account behind a login, and when its password changed"
    ),
    Capability("Deleted accounts", "User.Read.All", "says since when an account is gone"),
    Capability(
        "Domains", "Domain.Read.All", "knows which logins may be tested here, and which are federated"
    ),
    Capability("Organisation", "Organization.Read.All", "names the directory"),
    Capability("Groups and roles", READS_ALL, "protects groups and privileged accounts from being tried"),
    Capability("Applications", "Application.Read.All", "shows which applications an account opens"),
    Capability("Lockout threshold", "GroupSettings.Read.All", "keeps below the directory's own threshold"),
    Capability(
        "Own registration",
        "Application.Read.All",
        "warns before secrets and certificates end, and sees who is assigned",
    ),
    Capability(
        "Own consent",
        "DelegatedPermissionGrant.Read.All",
        "sees whether a right password would end in “no consent”",
    ),
)


def judge(roles: Collection[str], refusals: Mapping[str, DirectoryError]) -> tuple[CapabilityFinding, ...]:
    """Each capability with its state. ``refusals``: what was answered to a try of an optional one, by its name."""
    return (
        *(_base(each, roles) for each in BASE),
        *(_optional(each, roles, refusals.get(each.name)) for each in ABILITIES),
    )


def _base(row: Capability, roles: Collection[str]) -> CapabilityFinding:
    way = row.opened_by(roles)
    return CapabilityFinding(
        name=row.name,
        adds=row.adds,
        least_permission=row.least,
        permission=READS_ALL,
        granted_by=way,
        required=True,
        licence="",
        state=CapabilityState.GRANTED if way else CapabilityState.MISSING,
    )


def _optional(row: Ability, roles: Collection[str], refused: DirectoryError | None) -> CapabilityFinding:
    way = row.way(roles)
    state = _state(refused) if way else CapabilityState.MISSING
    return CapabilityFinding(
        name=row.name,
        adds=row.use,
        least_permission=row.permission,
        permission=row.to_add,
        granted_by=way,
        required=False,
        licence=row.licence,
        state=state,
        reason=refused.message if refused and way else "",
    )


def _state(refused: DirectoryError | None) -> CapabilityState:
    if refused is None:
        return CapabilityState.GRANTED
    if not isinstance(refused, NotOffered):
        return CapabilityState.UNKNOWN
    is_licence = refused.message == NOT_PREMIUM.sentence
    return CapabilityState.NOT_LICENSED if is_licence else CapabilityState.NOT_IN_CLOUD


USED: Final = frozenset(
    {READS_ALL, *(row.least for row in BASE), *(ability.permission for ability in ABILITIES)}
)

# The first pattern that fits says what somebody could do who steals the application's secret.
RISKS: Final = tuple(
    (re.compile(pattern), risk)
    for pattern, risk in (
        (r"^RoleManagement\.ReadWrite\.", "it can make anybody an administrator"),
        (r"^AppRoleAssignment\.ReadWrite\.", "it can give itself every other permission"),
        (
            r"^(Application|ServicePrincipal\w*)\.ReadWrite\.",
            "it can add secrets to applications and act as them",
        ),
        (r"^Directory\.ReadWrite\.", "it can change accounts, groups and applications"),
        (r"^(User-?PasswordProfile\.|UserAuth)", "it can reset how people sign in"),
        (r"^User\.EnableDisableAccount\.", "it can disable and enable accounts"),
        (r"^User\.RevokeSessions\.", "it can end everybody's sessions"),
        (r"^IdentityRisk\w*\.ReadWrite\.", "it can mark accounts as compromised or as safe"),
        (r"^Policy\.ReadWrite\.", "it can weaken the directory's security policies"),
        (r"^Group(Member)?\.ReadWrite\.", "it can put anybody into a group"),
        (r"^User\.(ReadWrite|Invite|Manage)", "it can change accounts"),
        (r"^(Mail|MailboxSettings)\.", "it opens everybody's mail"),
        (r"^(Files|Sites)\.", "it opens everybody's files"),
        (r"^(Chat|ChatMessage|Channel\w*|Team\w*)\.", "it opens everybody's conversations"),
        (r"^(Calendars|Contacts|Notes|Tasks)\.", "it opens what people keep for themselves"),
        (
            r"Write|Manage|Send|Create|Delete|FullControl|PrivilegedOperations",
            "it can change what it reaches",
        ),
    )
)
_MERELY_READS: Final = "it reads what Emberwatch does not use"


def surplus_of(roles: Collection[str]) -> tuple[SurplusPermission, ...]:
    """What the application holds beyond what the product uses, by name."""
    return tuple(
        SurplusPermission(role, risk_of(role), _instead(role)) for role in sorted(roles) if role not in USED
    )


def risk_of(role: str) -> str:
    return next((risk for pattern, risk in RISKS if pattern.search(role)), _MERELY_READS)


def _instead(role: str) -> str:
    smaller = role.replace(".ReadWrite.", ".Read.")
    return smaller if smaller != role and smaller in USED else ""


def missing(findings: Collection[CapabilityFinding]) -> Iterator[CapabilityFinding]:
    return (found for found in findings if found.state is CapabilityState.MISSING)
