"""Graph's answers about groups and directory roles: who belongs to what, directly and through other groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_collections import entity, paged
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_replies import not_found
from emberwatch.simulator.group_properties import GROUP_PROPERTIES, role_object
from emberwatch.simulator.memberships import GroupState, RoleState
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.odata_filter import Fields
from emberwatch.simulator.scenario import RoleScenario, stable_id
from emberwatch.simulator.state import DirectoryState

_TYPE: Final = "@odata.type"
_MEMBER_FIELDS: Final = GROUP_PROPERTIES | {"userPrincipalName", "roleTemplateId"}
_GROUP_FIELDS: Final = Fields(
    single={
        "id": frozenset({"eq", "in"}),
        "displayName": frozenset({"eq", "in", "startsWith"}),
        "mail": frozenset({"eq", "startsWith"}),
        "securityEnabled": frozenset({"eq"}),
        "mailEnabled": frozenset({"eq"}),
        "isAssignableToRole": frozenset({"eq"}),
    },
    many={"groupTypes": frozenset({"eq"})},
)
_ASSIGNMENT_FIELDS: Final = Fields(
    single={"principalId": frozenset({"eq"}), "roleDefinitionId": frozenset({"eq"})}
)


def _typed(kind: str, row: Object) -> Object:
    return {_TYPE: f"#microsoft.graph.{kind}", **row}


def list_member_of(call: Call) -> Reply:
    """``GET /users/{id}/memberOf`` and ``transitiveMemberOf``, with the casts to one kind."""
    user, known = call.directory.find(call.params["id"]), call.directory.memberships
    if user is None:
        raise not_found(call.params["id"])
    transitive = call.params["kind"] == "transitiveMemberOf"
    groups = known.holders_of(user.id)
    if transitive:
        groups = known.upwards(groups)
    through = {user.id, *(group.id for group in groups)} if transitive else {user.id}
    roles = [r for r in known.roles.values() if through & (r.people.keys() | r.holders.keys())]
    rows = {
        "group": [_typed("group", group.properties) for group in groups],
        "directoryRole": [_typed("directoryRole", role_object(role.scenario)) for role in roles],
    }
    cast = call.params.get("cast")
    shown = rows[cast] if cast else [*rows["group"], *rows["directoryRole"]]
    return paged(call, "directoryObjects", shown, _MEMBER_FIELDS)


def list_groups(call: Call) -> Reply:
    """``GET /groups``."""
    rows = [group.properties for group in call.directory.memberships.present_groups()]
    return paged(call, "groups", rows, GROUP_PROPERTIES, _GROUP_FIELDS)


def find_group(call: Call) -> GroupState:
    """The group of the path, or the error for having none."""
    group = call.directory.memberships.groups.get(call.params["id"].lower())
    if group is None or group.deleted is not None:
        raise not_found(call.params["id"])
    return group


def get_group(call: Call) -> Reply:
    """``GET /groups/{id}``."""
    return entity(call, "groups", find_group(call).properties, GROUP_PROPERTIES)


def list_group_members(call: Call) -> Reply:
    """``GET /groups/{id}/members`` and ``transitiveMembers``."""
    group, known = find_group(call), call.directory.memberships
    if call.params["kind"] == "members":
        people: Iterable[str] = group.people
        inside = [known.groups[other] for other, kind in known.members(group.id) if kind == "group"]
    else:
        every = known.downwards(group)
        people = dict.fromkeys(user_id for other in every for user_id in other.people)
        inside = every[1:]
    rows = [*_people(call.directory, people), *(_typed("group", other.properties) for other in inside)]
    return paged(call, "directoryObjects", rows, _MEMBER_FIELDS)


def _people(directory: DirectoryState, ids: Iterable[str]) -> Iterator[Object]:
    # A deleted account belongs to nothing until it is restored.
    for user in filter(None, map(directory.find, ids)):
        fields = {name: user.properties[name] for name in ("id", "displayName", "userPrincipalName")}
        yield _typed("user", fields)


def list_roles(call: Call) -> Reply:
    """``GET /directoryRoles``: the activated ones."""
    rows = [role_object(role.scenario) for role in call.directory.memberships.roles.values()]
    return paged(call, "directoryRoles", rows, _MEMBER_FIELDS)


def list_role_members(call: Call) -> Reply:
    """``GET /directoryRoles/{id}/members``: people, and groups that hold the role."""
    known = call.directory.memberships
    role = known.roles.get(call.params["id"].lower())
    if role is None:
        raise not_found(call.params["id"])
    holders = [known.groups[group] for group in role.holders]
    rows = [
        *_people(call.directory, role.people),
        *(_typed("group", group.properties) for group in holders if group.deleted is None),
        *_principals_shown(call.directory, role),
    ]
    return paged(call, "directoryObjects", rows, _MEMBER_FIELDS)


def _principals_shown(directory: DirectoryState, role: RoleState) -> Iterator[Object]:
    for app in directory.apps.values():
        if app.scenario.principal_id in role.principals:
            own = {"id": app.scenario.principal_id, "displayName": app.scenario.display_name}
            yield _typed("servicePrincipal", own)


def list_role_assignments(call: Call) -> Reply:
    """``GET /roleManagement/directory/roleAssignments``: direct ones, of all or of one principal."""
    rows = [
        _assignment(role.scenario, principal)
        for role in call.directory.memberships.roles.values()
        for principal in _principals(call.directory, role)
    ]
    known = frozenset({"id", "principalId", "roleDefinitionId", "directoryScopeId"})
    return paged(call, "roleManagement/directory/roleAssignments", rows, known, _ASSIGNMENT_FIELDS)


def _principals(directory: DirectoryState, role: RoleState) -> Iterator[str]:
    yield from (user.id for user in filter(None, map(directory.find, role.people)))
    yield from (group for group in role.holders if directory.memberships.groups[group].deleted is None)
    yield from role.principals


def _assignment(role: RoleScenario, principal: str) -> Object:
    return {
        "id": stable_id(f"assignment {role.template_id} {principal}"),
        "principalId": principal,
        "roleDefinitionId": role.template_id,
        "directoryScopeId": "/",
    }


def list_role_definitions(call: Call) -> Reply:
    """``GET /roleManagement/directory/roleDefinitions``: those of the scenario's roles."""
    rows: list[Object] = [
        {
            "id": role.scenario.template_id,
            "displayName": role.scenario.display_name,
            "isBuiltIn": True,
            "isEnabled": True,
            "templateId": role.scenario.template_id,
        }
        for role in call.directory.memberships.roles.values()
    ]
    known = frozenset({"id", "displayName", "isBuiltIn", "isEnabled", "templateId"})
    return paged(call, "roleManagement/directory/roleDefinitions", rows, known)
