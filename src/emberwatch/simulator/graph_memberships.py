"""Graph's answers about groups and directory roles: who belongs to what, directly and through other groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_directory import entity, whole_collection
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import next_link, read_page, take_page
from emberwatch.simulator.graph_replies import bad_request, not_found
from emberwatch.simulator.group_properties import GROUP_PROPERTIES, role_object
from emberwatch.simulator.memberships import GroupState, RoleState
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.scenario import RoleScenario, stable_id
from emberwatch.simulator.state import DirectoryState

_TYPE: Final = "@odata.type"
_MEMBER_FIELDS: Final = GROUP_PROPERTIES | {"userPrincipalName", "roleTemplateId"}
_BY_PRINCIPAL: Final = re.compile(r"principalId eq '([^']*)'")


_OPTIONS: Final = frozenset({"$select", "$top", "$skiptoken"})


def _collection(call: Call, entity_set: str, rows: Sequence[Object], known: frozenset[str]) -> Reply:
    """One page of the rows. Options that would change which rows there are must not be ignored in silence."""
    options = call.request.query
    for name in options:
        if name not in _OPTIONS and not (name == "$filter" and entity_set.endswith("roleAssignments")):
            raise bad_request(f"'{name}' is not supported here.", "Request_UnsupportedQuery")
    page, following = take_page(read_page(call.request), list(enumerate(rows, 1)))
    link: Object = {}
    if following is not None:
        link["@odata.nextLink"] = next_link(f"{call.origin}{quote(call.request.path)}", options, following)
    return whole_collection(call, entity_set, page, known, link)


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
    return _collection(call, "directoryObjects", shown, _MEMBER_FIELDS)


def list_groups(call: Call) -> Reply:
    """``GET /groups``."""
    rows = [group.properties for group in call.directory.memberships.present_groups()]
    return _collection(call, "groups", rows, GROUP_PROPERTIES)


def _find_group(call: Call) -> GroupState:
    group = call.directory.memberships.groups.get(call.params["id"].lower())
    if group is None or group.deleted is not None:
        raise not_found(call.params["id"])
    return group


def get_group(call: Call) -> Reply:
    """``GET /groups/{id}``."""
    return entity(call, "groups", _find_group(call).properties, GROUP_PROPERTIES)


def list_group_members(call: Call) -> Reply:
    """``GET /groups/{id}/members`` and ``transitiveMembers``."""
    group, known = _find_group(call), call.directory.memberships
    if call.params["kind"] == "members":
        people: Iterable[str] = group.people
        inside = [known.groups[other] for other, kind in known.members(group.id) if kind == "group"]
    else:
        every = known.downwards(group)
        people = dict.fromkeys(user_id for other in every for user_id in other.people)
        inside = every[1:]
    rows = [*_people(call.directory, people), *(_typed("group", other.properties) for other in inside)]
    return _collection(call, "directoryObjects", rows, _MEMBER_FIELDS)


def _people(directory: DirectoryState, ids: Iterable[str]) -> Iterator[Object]:
    # A deleted account belongs to nothing until it is restored.
    for user in filter(None, map(directory.find, ids)):
        fields = {name: user.properties[name] for name in ("id", "displayName", "userPrincipalName")}
        yield _typed("user", fields)


def list_roles(call: Call) -> Reply:
    """``GET /directoryRoles``: the activated ones."""
    rows = [role_object(role.scenario) for role in call.directory.memberships.roles.values()]
    return _collection(call, "directoryRoles", rows, _MEMBER_FIELDS)


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
    ]
    return _collection(call, "directoryObjects", rows, _MEMBER_FIELDS)


def list_role_assignments(call: Call) -> Reply:
    """``GET /roleManagement/directory/roleAssignments``: direct ones, of all or of one principal."""
    text = call.request.query.get("$filter", "")
    named = _BY_PRINCIPAL.fullmatch(text)
    if text and named is None:
        raise bad_request("Only principalId can be filtered for.", "Request_UnsupportedQuery")
    rows = [
        _assignment(role.scenario, principal)
        for role in call.directory.memberships.roles.values()
        for principal in _principals(call.directory, role)
        if named is None or principal == named[1].lower()
    ]
    known = frozenset({"id", "principalId", "roleDefinitionId", "directoryScopeId"})
    return _collection(call, "roleManagement/directory/roleAssignments", rows, known)


def _principals(directory: DirectoryState, role: RoleState) -> Iterator[str]:
    yield from (user.id for user in filter(None, map(directory.find, role.people)))
    yield from (group for group in role.holders if directory.memberships.groups[group].deleted is None)


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
    return _collection(call, "roleManagement/directory/roleDefinitions", rows, known)
