"""Microsoft Graph v1.0: bearer token, permission gate, limits, and the routes as a table.

A new route is one row in :data:`ROUTES` and one function from :class:`Call` to a reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from emberwatch.simulator.context import Context
from emberwatch.simulator.graph_batch import batch
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_delta import groups_delta, users_delta
from emberwatch.simulator.graph_directory import (
    get_domain,
    list_domains,
    list_group_settings,
    list_organization,
    list_service_principals,
)
from emberwatch.simulator.graph_group_people import list_group_people
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
from emberwatch.simulator.graph_replies import GraphError, bad_request, error_reply
from emberwatch.simulator.graph_risk import get_risk_detection, list_risk_detections
from emberwatch.simulator.graph_sign_ins import get_sign_in, list_sign_ins
from emberwatch.simulator.graph_users import (
    BASIC_ROLE,
    count_users,
    get_deleted_user,
    get_user,
    list_deleted_users,
    list_users,
)
from emberwatch.simulator.keys import BadToken
from emberwatch.simulator.messages import Reply, Request
from emberwatch.simulator.state import DirectoryState

_WINDOW_SECONDS: Final = 10
_DENIED: Final = "Insufficient privileges to complete the operation."


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


def graph(context: Context, request: Request, _params: Mapping[str, str]) -> Reply:
    """Answer anything under ``/v1.0``."""
    with context.world.lock:
        try:
            return _answer(context, request)
        except GraphError as error:
            return error_reply(request, error, context.world.clock())


def _answer(context: Context, request: Request) -> Reply:
    claims = _claims(context, request)
    directory = context.world.directories.get(str(claims.get("tid", "")).lower())
    if directory is None:
        raise _unauthorized("The directory of the token is not known.")
    return _dispatch(context, request, _Caller(directory, claims))


@dataclass(frozen=True, slots=True)
class _Caller:
    directory: DirectoryState
    claims: Mapping[str, Any]

    @property
    def client_id(self) -> str:
        return str(self.claims.get("appid", ""))

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.claims.get("roles", ()))


def _dispatch(context: Context, request: Request, caller: _Caller) -> Reply:
    route, params = find_route(request)
    directory, client_id, roles = caller.directory, caller.client_id, caller.roles
    try:
        _spend(directory, client_id, route.cost(request))
        if route.permissions and not roles & route.permissions:
            raise GraphError(403, "Authorization_RequestDenied", _DENIED)
        again = partial(_dispatch, context, caller=caller)
        reply = route.handler(Call(context, request, directory, roles, params, again))
    except GraphError as error:
        reply = error_reply(request, error, context.world.clock())
    headers = {**reply.headers, "x-ms-resource-unit": str(route.cost(request))}
    return replace(reply, headers=headers, client_id=client_id, route=f"graph:{route.name}")


def _claims(context: Context, request: Request) -> Mapping[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("Access token is empty.")
    try:
        return context.key.verify(token, audiences=context.graph_audiences, now=context.world.clock())
    except BadToken as error:
        raise _unauthorized(f"Access token validation failure: {error}.") from None


def _unauthorized(message: str) -> GraphError:
    challenge = {"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'}
    return GraphError(401, "InvalidAuthenticationToken", message, headers=challenge)


def find_route(request: Request) -> tuple[GraphRoute, Mapping[str, str]]:
    """The route of a request and its path parameters, or the error for having none."""
    path = request.path.removeprefix("/v1.0")
    known_path = False
    for route in ROUTES:
        found = route.pattern.fullmatch(path)
        if found and route.method == request.method:
            return route, found.groupdict()
        known_path = known_path or found is not None
    if known_path:
        raise GraphError(405, "Request_BadRequest", f"{request.method} is not allowed for this resource.")
    segment = path.strip("/").partition("/")[0]
    raise bad_request(f"Resource not found for the segment '{segment}'.", "BadRequest")


def _spend(directory: DirectoryState, client_id: str, units: int) -> None:
    limit = directory.scenario.resource_units_per_10s
    app = directory.apps.get(client_id.lower())
    if limit is None or app is None:
        return
    now = directory.world.clock().timestamp()
    app.spent_units = [(at, spent) for at, spent in app.spent_units if now - at < _WINDOW_SECONDS]
    if sum(spent for _, spent in app.spent_units) + units > limit:
        oldest = app.spent_units[0][0] if app.spent_units else now
        wait = max(1, round(oldest + _WINDOW_SECONDS - now))
        raise GraphError(429, "TooManyRequests", "Too many requests.", headers={"Retry-After": str(wait)})
    app.spent_units.append((now, units))


def _users_cost(request: Request) -> int:
    top = request.query.get("$top", "100")
    cheap = top.isdecimal() and int(top) < 20
    return max(1, 2 - ("$select" in request.query) - cheap)


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
_GROUPS: Final = _permissions("Group")
_ROLES: Final = _permissions() | {"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"}
_RISK: Final = frozenset({"IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All"})
_AUDIT: Final = frozenset({"AuditLog.Read.All"})
_MEMBER_OF: Final = r"(?P<kind>memberOf|transitiveMemberOf)"
_MEMBERS: Final = r"(?P<kind>members|transitiveMembers)"
_CAST: Final = r"(/microsoft\.graph\.(?P<cast>group|directoryRole))?"
_USER_CAST: Final = r"/microsoft\.graph\.user"
_ID: Final = r"/(?P<id>[^/]+)"
# Clients that are made from the metadata call the function by its full name, or with brackets.
_DELTA: Final = r"(microsoft\.graph\.)?delta(\(\))?"


def _get(
    name: str,
    pattern: str,
    permissions: frozenset[str],
    handler: Callable[[Call], Reply],
    cost: Callable[[Request], int] = _one_unit,
) -> GraphRoute:
    return GraphRoute(name, "GET", re.compile(pattern), permissions, handler, cost)


_DETECTIONS: Final = r"/identityProtection/riskDetections"
_SIGN_INS: Final = r"/auditLogs/signIns"
_DELETED_USERS: Final = r"/directory/deletedItems/microsoft\.graph\.user"

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
    _get("groups", r"/groups", _GROUPS, list_groups),
    _get("group", rf"/groups{_ID}", _GROUPS, get_group),
    _get("group members", rf"/groups{_ID}/{_MEMBERS}", _GROUPS, list_group_members, _three_units),
    _get(
        "people of a group", rf"/groups{_ID}/{_MEMBERS}{_USER_CAST}", _GROUPS, list_group_people, _three_units
    ),
    _get("roles", r"/directoryRoles", _ROLES, list_roles),
    _get("role members", rf"/directoryRoles{_ID}/members", _ROLES, list_role_members),
    _get("role assignments", r"/roleManagement/directory/roleAssignments", _ROLES, list_role_assignments),
    _get("role definitions", r"/roleManagement/directory/roleDefinitions", _ROLES, list_role_definitions),
    _get("domains", r"/domains", _permissions("Domain"), list_domains),
    _get("domain", rf"/domains{_ID}", _permissions("Domain"), get_domain),
    _get("organization", r"/organization", _permissions("Organization"), list_organization),
    _get("service principals", r"/servicePrincipals", _permissions("Application"), list_service_principals),
    _get("group settings", r"/groupSettings", _permissions("GroupSettings"), list_group_settings),
    # These two have limits of their own and spend no resource units.
    _get("risk detections", _DETECTIONS, _RISK, list_risk_detections, _free),
    _get("risk detection", rf"{_DETECTIONS}{_ID}", _RISK, get_risk_detection, _free),
    _get("sign-ins", _SIGN_INS, _AUDIT, list_sign_ins, _free),
    _get("sign-in", rf"{_SIGN_INS}{_ID}", _AUDIT, get_sign_in, _free),
)
