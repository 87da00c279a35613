"""A world with something behind every route of Graph, and a path for each route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from emberwatch.simulator import (
    AppRoleScenario,
    AppScenario,
    FederatedScenario,
    GroupScenario,
    PlanScenario,
    RiskDetectionScenario,
    RiskScenario,
    RoleScenario,
    SkuScenario,
    UserScenario,
    stable_id,
)
from tests.unit.simulator.worlds import (
    CLIENT_ID,
    DIRECTORY_ID,
    NOW,
    ORIGIN,
    PASSWORD,
    UPN,
    Lab,
    app,
    lab,
    many_users,
    user,
)

ROLE: Final = "62e90394-69f5-4237-9190-012177145e10"
FOUND, SIGNED_IN = str(UUID(int=1)), str(UUID(int=2))
WIKI_ID: Final = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee"
ANN, INNER, GONE = stable_id(UPN), stable_id("group Inner"), stable_id("deleted gus@corp.example")
PRINCIPAL, WIKI = app().principal_id, AppScenario(client_id=WIKI_ID).principal_id
TRUST: Final = FederatedScenario(name="pipeline", issuer="https://issuer.example", subject="job")

_USERS: Final = (
    user(
        other_mails=("ann@private.example",),
        manager="user0001@corp.example",
        synced=True,
        last_sign_in=NOW,
        licences=("SUITE",),
        methods=("microsoftAuthenticatorPush", "email"),
        risk=RiskScenario(),
        properties={"department": "Sales"},
    ),
    UserScenario(upn="gil_home.example#EXT#@corp.example", user_type="Guest", home="msa"),
    user(upn="gus@corp.example", deleted=datetime(2026, 4, 1, tzinfo=UTC)),
    *many_users(3),
)
_WIKI: Final = AppScenario(
    client_id=WIKI_ID,
    display_name="Wiki",
    registered_here=False,
    app_roles=(AppRoleScenario(value="Editor"),),
    assigned_role="Editor",
    assignment_required=True,
    assigned_users=(UPN,),
    assigned_groups=("Inner",),
)
WORLD: Final[Mapping[str, Any]] = {
    "users": _USERS,
    "premium": True,
    "lockout_threshold": 5,
    "groups": (
        GroupScenario(display_name="Inner", members=(UPN,)),
        GroupScenario(display_name="Admins", assignable_to_role=True, groups=("Inner",)),
    ),
    "roles": (RoleScenario(template_id=ROLE, display_name="Global Administrator", groups=("Admins",)),),
    "detections": (RiskDetectionScenario(upn=UPN, detected=NOW, id=FOUND),),
    "skus": (
        SkuScenario(part_number="SUITE", plans=(PlanScenario(name="MAIL"), PlanScenario(name="OFFICE"))),
    ),
}

PATHS: Final[Mapping[str, str]] = {
    "users": "/users",
    "users.count": "/users/$count",
    "users delta": "/users/delta",
    "groups delta": "/groups/delta",
    "user": f"/users/{UPN}",
    "deleted users": "/directory/deletedItems/microsoft.graph.user",
    "deleted user": f"/directory/deletedItems/{GONE}",
    "manager": f"/users/{UPN}/manager",
    "licences": f"/users/{UPN}/licenseDetails",
    "applications of user": f"/users/{UPN}/appRoleAssignments",
    "member of": f"/users/{UPN}/transitiveMemberOf",
    "groups": "/groups",
    "group": f"/groups/{INNER}",
    "group people": f"/groups/{stable_id('group Admins')}/transitiveMembers/microsoft.graph.user?$count=true",
    "group members": f"/groups/{stable_id('group Admins')}/transitiveMembers",
    "applications of group": f"/groups/{INNER}/appRoleAssignments",
    "roles": "/directoryRoles",
    "role members": f"/directoryRoles/{stable_id('role ' + ROLE)}/members",
    "role assignments": "/roleManagement/directory/roleAssignments",
    "role definitions": "/roleManagement/directory/roleDefinitions",
    "domains": "/domains",
    "domain": "/domains/corp.example",
    "organization": "/organization",
    "organization by id": f"/organization/{DIRECTORY_ID}",
    "licences bought": "/subscribedSkus",
    "applications": "/applications",
    "application": f"/applications(appId='{CLIENT_ID}')",
    "federated credentials": f"/applications/{app().object_id}/federatedIdentityCredentials",
    "service principals": "/servicePrincipals",
    "service principal": f"/servicePrincipals/{PRINCIPAL}",
    "permissions": f"/servicePrincipals/{PRINCIPAL}/appRoleAssignments",
    "assigned": f"/servicePrincipals/{WIKI}/appRoleAssignedTo",
    "delegated of principal": f"/servicePrincipals/{PRINCIPAL}/oauth2PermissionGrants",
    "delegated": "/oauth2PermissionGrants",
    "group settings": "/groupSettings",
    "risk detections": "/identityProtection/riskDetections",
    "risk detection": f"/identityProtection/riskDetections/{FOUND}",
    "risky users": "/identityProtection/riskyUsers",
    "risky user": f"/identityProtection/riskyUsers/{ANN}",
    "sign-ins": "/auditLogs/signIns",
    "sign-in": f"/auditLogs/signIns/{SIGNED_IN}",
    "registrations": "/reports/authenticationMethods/userRegistrationDetails",
    "registration": f"/reports/authenticationMethods/userRegistrationDetails/{ANN}",
}
WRITES: Final[Mapping[str, tuple[str, str, object]]] = {
    "revoke sessions": ("POST", f"/users/{UPN}/revokeSignInSessions", None),
    "change account": ("PATCH", "/users/user0001@corp.example", {"accountEnabled": False}),
    "confirm compromised": ("POST", "/identityProtection/riskyUsers/confirmCompromised", {"userIds": [ANN]}),
    "dismiss risk": ("POST", "/identityProtection/riskyUsers/dismiss", {"userIds": [ANN]}),
    "add member": (
        "POST",
        f"/groups/{INNER}/members/$ref",
        {"@odata.id": f"{ORIGIN}/v1.0/directoryObjects/{stable_id('user0001@corp.example')}"},
    ),
    "remove member": ("DELETE", f"/groups/{INNER}/members/{ANN}/$ref", None),
}
"""Method, path and body of each route that writes."""
REPORTS: Final = frozenset(
    {
        "risk detections",
        "risk detection",
        "risky users",
        "risky user",
        "sign-ins",
        "sign-in",
        "registrations",
        "registration",
    }
)


def sample_world(roles: tuple[str, ...], **changes: Any) -> Lab:
    """The world, with these permissions for our app and one sign-in in the log."""
    ours = app(granted_roles=roles, federated=(TRUST,), **changes.pop("app", {}))
    world = lab(apps=[ours, _WIKI], **{**WORLD, **changes})
    grant = {"grant_type": "password", "username": UPN, "password": PASSWORD, "scope": "openid"}
    world.send(replace(world.token_request(**grant), trace_id=SIGNED_IN))
    return world
