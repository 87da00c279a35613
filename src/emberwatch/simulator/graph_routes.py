"""The routes of Graph as a table: who may call one, what it costs, who answers.

A new route is one row in :data:`ROUTES` and one function from :class:`Call` to a reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from emberwatch.simulator.graph_account_writes import change_account, revoke_sessions
from emberwatch.simulator.graph_applications import (
    get_application,
    get_service_principal,
    list_applications,
    list_assigned,
    list_delegated_grants,
    list_federated_credentials,
    list_grants_of_principal,
    list_group_assignments,
    list_permissions,
    list_service_principals,
    list_user_assignments,
)
from emberwatch.simulator.graph_batch import batch
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_delta import groups_delta, users_delta
from emberwatch.simulator.graph_directory import (
    get_domain,
    get_organization,
    list_domains,
    list_group_settings,
    list_organization,
)
from emberwatch.simulator.graph_group_people import list_group_people
from emberwatch.simulator.graph_licences import list_licence_details, list_subscribed_skus
from emberwatch.simulator.graph_managers import get_manager
from emberwatch.simulator.graph_member_writes import add_member, remove_member
from emberwatch.simulator.graph_memberships import (
    get_group,
    list_group_members,
    list_groups,
    list_member_of,
    list_role_assignments,
    list_role_definitions,
    list_role_members,
    list_roles,
)
from emberwatch.simulator.graph_registration import get_registration, list_registrations
from emberwatch.simulator.graph_risk import get_risk_detection, list_risk_detections
from emberwatch.simulator.graph_risk_writes import confirm_compromised, dismiss
from emberwatch.simulator.graph_risky_users import get_risky_user, list_risky_users
from emberwatch.simulator.graph_sign_ins import get_sign_in, list_sign_ins
from emberwatch.simulator.graph_users import (
    BASIC_ROLE,
    count_users,
    get_deleted_user,
    get_user,
    list_deleted_users,
    list_users,
)
from emberwatch.simulator.graph_write_bodies import (
    Aim,
    on_account,
    on_changes,
    on_member,
    on_reference,
    on_user_ids,
)
from emberwatch.simulator.messages import Reply, Request


@dataclass(frozen=True, slots=True)
class GraphRoute:
    """One row: who may call it, what it costs, and who answers."""

    name: str
    method: str
    pattern: re.Pattern[str]
    permissions: frozenset[str]
    """One of them is enough; empty: no permission of its own."""
    handler: Callable[[Call], Reply]
    cost: Callable[[Request], int]
    report: bool = False
    """It counts against the limit of the reports."""
    aim: Aim | None = None
    """What it writes to which accounts; None: it writes to none."""


def _users_cost(request: Request) -> int:
    top = request.query.get("$top", "100")
    cheap = top.isdecimal() and int(top) < 20
    return max(1, 2 - ("$select" in request.query) - cheap + ("$expand" in request.query))


def _one_unit(_request: Request) -> int:
    return 1


def _two_units(_request: Request) -> int:
    return 2


def _three_units(_request: Request) -> int:
    return 3


def _free(_request: Request) -> int:
    return 0


def _permissions(*areas: str) -> frozenset[str]:
    """Read and read-write permission of each area; the directory-wide ones cover every route here."""
    return frozenset(f"{area}.{kind}.All" for area in (*areas, "Directory") for kind in ("Read", "ReadWrite"))


_USERS: Final = _permissions("User")
_USERS_ONLY: Final = frozenset({"User.Read.All", "User.ReadWrite.All"})
_GROUPS: Final = _permissions("Group") | {"GroupMember.Read.All"}
_APPS: Final = _permissions("Application")
_LICENCES: Final = _permissions("LicenseAssignment", "Organization")
_USER_LICENCES: Final = _permissions("LicenseAssignment") | _USERS_ONLY
_USER_APPS: Final = _permissions() | {"AppRoleAssignment.ReadWrite.All"}
_GROUPS_APPS: Final = _permissions("Group") | {"AppRoleAssignment.ReadWrite.All"}
_GRANTS: Final = _permissions() | {"DelegatedPermissionGrant.Read.All"}
# Trust in another issuer is no business of whoever reads the directory in general.
_FEDERATED: Final = frozenset({"Application.Read.All", "Application.ReadWrite.All"})
_ROLES: Final = _permissions() | {"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"}
_RISK: Final = frozenset({"IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All"})
_RISKY: Final = frozenset({"IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"})
_RATE: Final = frozenset({"IdentityRiskyUser.ReadWrite.All"})
_WRITE_USERS: Final = frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"})
_REVOKE: Final = _WRITE_USERS | {"User.RevokeSessions.All"}
# What each property needs is looked at by whoever answers.
_CHANGE: Final = _WRITE_USERS | {"User.EnableDisableAccount.All", "User-PasswordProfile.ReadWrite.All"}
_MEMBER: Final = frozenset({"GroupMember.ReadWrite.All", "Group.ReadWrite.All"})
_AUDIT: Final = frozenset({"AuditLog.Read.All"})
_MEMBER_OF: Final = r"(?P<kind>memberOf|transitiveMemberOf)"
_USER_CAST: Final = r"/microsoft\.graph\.user"
_MEMBERS: Final = r"(?P<kind>members|transitiveMembers)"
_CAST: Final = r"(/microsoft\.graph\.(?P<cast>group|directoryRole))?"
_ID: Final = r"/(?P<id>[^/]+)"
_ONE: Final = rf"({_ID}|\(appId='(?P<app_id>[^']+)'\))"
_REF: Final = r"/\$ref"
# Clients that are made from the metadata call a function by its full name, or with brackets.
_FULL: Final = r"(microsoft\.graph\.)?"
_DELTA: Final = rf"{_FULL}delta(\(\))?"


def _get(
    name: str,
    pattern: str,
    permissions: frozenset[str],
    handler: Callable[[Call], Reply],
    cost: Callable[[Request], int] = _one_unit,
    *,
    report: bool = False,
) -> GraphRoute:
    return GraphRoute(name, "GET", re.compile(pattern), permissions, handler, cost, report)


def _write(
    name: str,
    method: str,
    pattern: str,
    permissions: frozenset[str],
    handler: Callable[[Call], Reply],
    aim: Aim,
    cost: Callable[[Request], int] = _one_unit,
) -> GraphRoute:
    return GraphRoute(name, method, re.compile(pattern), permissions, handler, cost, aim=aim)


_DETECTIONS: Final = r"/identityProtection/riskDetections"
_RISKY_USERS: Final = r"/identityProtection/riskyUsers"
_SIGN_INS: Final = r"/auditLogs/signIns"
_REGISTRATIONS: Final = r"/reports/authenticationMethods/userRegistrationDetails"
_DELETED_USERS: Final = r"/directory/deletedItems/microsoft\.graph\.user"
_REVOKED: Final = "revoke sessions"
_CONFIRMED: Final = "confirm compromised"
_DISMISSED: Final = "dismiss risk"

ROUTES: Final[tuple[GraphRoute, ...]] = (
    GraphRoute("batch", "POST", re.compile(r"/\$batch"), frozenset(), batch, _free),
    _get("users", r"/users", _USERS | {BASIC_ROLE}, list_users, _users_cost),
    _get("users.count", r"/users/\$count", _USERS | {BASIC_ROLE}, count_users),
    _get("users delta", rf"/users/{_DELTA}", _USERS, users_delta),
    _get("groups delta", rf"/groups/{_DELTA}", _GROUPS, groups_delta),
    _get("user", rf"/users{_ID}", _USERS | {BASIC_ROLE}, get_user, _users_cost),
    _get("deleted users", _DELETED_USERS, _USERS, list_deleted_users),
    _get("deleted user", rf"/directory/deletedItems{_ID}", _USERS, get_deleted_user),
    _get("member of", rf"/users{_ID}/{_MEMBER_OF}{_CAST}", _USERS, list_member_of, _two_units),
    _get("manager", rf"/users{_ID}/manager", _USERS, get_manager),
    _get("licences", rf"/users{_ID}/licenseDetails", _USER_LICENCES, list_licence_details),
    _get("applications of user", rf"/users{_ID}/appRoleAssignments", _USER_APPS, list_user_assignments),
    _get("groups", r"/groups", _GROUPS, list_groups),
    _get("group", rf"/groups{_ID}", _GROUPS, get_group),
    _get("group members", rf"/groups{_ID}/{_MEMBERS}", _GROUPS, list_group_members, _three_units),
    _get("group people", rf"/groups{_ID}/{_MEMBERS}{_USER_CAST}", _GROUPS, list_group_people, _three_units),
    _get("applications of group", rf"/groups{_ID}/appRoleAssignments", _GROUPS_APPS, list_group_assignments),
    _get("roles", r"/directoryRoles", _ROLES, list_roles),
    _get("role members", rf"/directoryRoles{_ID}/members", _ROLES, list_role_members),
    _get("role assignments", r"/roleManagement/directory/roleAssignments", _ROLES, list_role_assignments),
    _get("role definitions", r"/roleManagement/directory/roleDefinitions", _ROLES, list_role_definitions),
    _get("domains", r"/domains", _permissions("Domain"), list_domains),
    _get("domain", rf"/domains{_ID}", _permissions("Domain"), get_domain),
    _get("organization", r"/organization", _permissions("Organization"), list_organization),
    _get("organization by id", rf"/organization{_ID}", _permissions("Organization"), get_organization),
    _get("licences bought", r"/subscribedSkus", _LICENCES, list_subscribed_skus, _three_units),
    _get("applications", r"/applications", _APPS, list_applications),
    _get("application", rf"/applications{_ONE}", _APPS, get_application),
    _get(
        "federated credentials",
        rf"/applications{_ONE}/federatedIdentityCredentials",
        _FEDERATED,
        list_federated_credentials,
    ),
    _get("service principals", r"/servicePrincipals", _APPS, list_service_principals),
    _get("service principal", rf"/servicePrincipals{_ONE}", _APPS, get_service_principal),
    _get("permissions", rf"/servicePrincipals{_ONE}/appRoleAssignments", _APPS, list_permissions),
    _get("assigned", rf"/servicePrincipals{_ONE}/appRoleAssignedTo", _APPS, list_assigned),
    _get(
        "delegated of principal",
        rf"/servicePrincipals{_ONE}/oauth2PermissionGrants",
        _GRANTS,
        list_grants_of_principal,
    ),
    _get("delegated", r"/oauth2PermissionGrants", _GRANTS, list_delegated_grants),
    _get("group settings", r"/groupSettings", _permissions("GroupSettings"), list_group_settings),
    # These have limits of their own and spend no resource units.
    _get("risk detections", _DETECTIONS, _RISK, list_risk_detections, _free),
    _get("risk detection", rf"{_DETECTIONS}{_ID}", _RISK, get_risk_detection, _free),
    _get("risky users", _RISKY_USERS, _RISKY, list_risky_users, _free),
    _get("risky user", rf"{_RISKY_USERS}{_ID}", _RISKY, get_risky_user, _free),
    _get("sign-ins", _SIGN_INS, _AUDIT, list_sign_ins, _free, report=True),
    _get("sign-in", rf"{_SIGN_INS}{_ID}", _AUDIT, get_sign_in, _free, report=True),
    _get("registrations", _REGISTRATIONS, _AUDIT, list_registrations, _free, report=True),
    _get("registration", rf"{_REGISTRATIONS}{_ID}", _AUDIT, get_registration, _free, report=True),
    _write(
        _REVOKED,
        "POST",
        rf"/users{_ID}/{_FULL}revokeSignInSessions",
        _REVOKE,
        revoke_sessions,
        on_account(_REVOKED),
    ),
    _write("change account", "PATCH", rf"/users{_ID}", _CHANGE, change_account, on_changes),
    _write(
        _CONFIRMED,
        "POST",
        rf"{_RISKY_USERS}/{_FULL}confirmCompromised",
        _RATE,
        confirm_compromised,
        on_user_ids(_CONFIRMED),
        _free,
    ),
    _write(
        _DISMISSED, "POST", rf"{_RISKY_USERS}/{_FULL}dismiss", _RATE, dismiss, on_user_ids(_DISMISSED), _free
    ),
    _write("add member", "POST", rf"/groups{_ID}/members{_REF}", _MEMBER, add_member, on_reference),
    _write(
        "remove member",
        "DELETE",
        rf"/groups{_ID}/members/(?P<member>[^/]+){_REF}",
        _MEMBER,
        remove_member,
        on_member,
    ),
)
