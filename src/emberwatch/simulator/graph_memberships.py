"""Graph's answers about groups and directory roles: who belongs to what, directly and through other groups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_directory import whole_collection
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import context_of, next_link, read_page, take_page
from emberwatch.simulator.graph_replies import bad_request, not_found, object_reply
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.scenario import DirectoryScenario, GroupScenario, RoleScenario, stable_id
from emberwatch.simulator.state import DirectoryState

_TYPE: Final = "@odata.type"
_MEMBER_FIELDS: Final = frozenset(
    {
        "id",
        "displayName",
        "userPrincipalName",
        "securityEnabled",
        "isAssignableToRole",
        "description",
        "roleTemplateId",
        "deletedDateTime",
    }
)
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


def _group(group: GroupScenario) -> Object:
    return {
        "id": group.object_id,
        "displayName": group.display_name,
        "securityEnabled": group.security_enabled,
        "isAssignableToRole": True if group.assignable_to_role else None,
    }


def _role(role: RoleScenario) -> Object:
    return {
        "id": role.object_id,
        "deletedDateTime": None,
        "description": None,
        "displayName": role.display_name,
        "roleTemplateId": role.template_id,
    }


def _typed(kind: str, row: Object) -> Object:
    return {_TYPE: f"#microsoft.graph.{kind}", **row}


def _holders(group: GroupScenario, directory: DirectoryScenario) -> Iterator[GroupScenario]:
    return (other for other in directory.groups if group.display_name in other.groups)


def _upwards(start: Iterable[GroupScenario], directory: DirectoryScenario) -> list[GroupScenario]:
    """These groups and all that hold them, each once, whatever circles there are."""
    found: dict[str, GroupScenario] = {}
    waiting = list(start)
    while waiting:
        group = waiting.pop(0)
        if group.display_name not in found:
            found[group.display_name] = group
            waiting.extend(_holders(group, directory))
    return list(found.values())


def _downwards(start: GroupScenario, directory: DirectoryScenario) -> list[GroupScenario]:
    by_name = {group.display_name: group for group in directory.groups}
    found: dict[str, GroupScenario] = {}
    waiting = [start]
    while waiting:
        group = waiting.pop(0)
        if group.display_name not in found:
            found[group.display_name] = group
            waiting.extend(by_name[name] for name in group.groups)
    return list(found.values())


def list_member_of(call: Call) -> Reply:
    """``GET /users/{id}/memberOf`` and ``transitiveMemberOf``, with the casts to one kind."""
    user, scenario = call.directory.find(call.params["id"]), call.directory.scenario
    if user is None:
        raise not_found(call.params["id"])
    transitive = call.params["kind"] == "transitiveMemberOf"
    upn = user.scenario.upn.casefold()
    groups = [group for group in scenario.groups if _names(upn, group.members)]
    if transitive:
        groups = _upwards(groups, scenario)
    through = {group.display_name for group in groups} if transitive else set()
    roles = [r for r in scenario.roles if _names(upn, r.members) or through.intersection(r.groups)]
    rows = {
        "group": [_typed("group", _group(group)) for group in groups],
        "directoryRole": [_typed("directoryRole", _role(role)) for role in roles],
    }
    cast = call.params.get("cast")
    shown = rows[cast] if cast else [*rows["group"], *rows["directoryRole"]]
    return _collection(call, "directoryObjects", shown, _MEMBER_FIELDS)


def _names(upn: str, members: Iterable[str]) -> bool:
    return any(member.casefold() == upn for member in members)


def list_groups(call: Call) -> Reply:
    """``GET /groups``."""
    rows = [_group(group) for group in call.directory.scenario.groups]
    return _collection(call, "groups", rows, _MEMBER_FIELDS)


def _find_group(call: Call) -> GroupScenario:
    wanted = call.params["id"].lower()
    for group in call.directory.scenario.groups:
        if group.object_id == wanted:
            return group
    raise not_found(call.params["id"])


def get_group(call: Call) -> Reply:
    """``GET /groups/{id}``."""
    head = context_of(call.origin, "groups", (), single=True)
    return object_reply(call.request, {**head, **_group(_find_group(call))})


def list_group_members(call: Call) -> Reply:
    """``GET /groups/{id}/members`` and ``transitiveMembers``."""
    group, scenario = _find_group(call), call.directory.scenario
    inside = _downwards(group, scenario)
    if call.params["kind"] == "members":
        inside = [other for other in inside if other.display_name in group.groups]
        people: Iterable[str] = group.members
    else:
        people = dict.fromkeys(name for other in inside for name in other.members)
        inside = inside[1:]
    rows = [*_people(call.directory, people), *(_typed("group", _group(other)) for other in inside)]
    return _collection(call, "directoryObjects", rows, _MEMBER_FIELDS)


def _people(directory: DirectoryState, names: Iterable[str]) -> Iterator[Object]:
    # A deleted account belongs to nothing until it is restored.
    for user in filter(None, map(directory.find, names)):
        fields = {name: user.properties[name] for name in ("id", "displayName", "userPrincipalName")}
        yield _typed("user", fields)


def list_roles(call: Call) -> Reply:
    """``GET /directoryRoles``: the activated ones."""
    rows = [_role(role) for role in call.directory.scenario.roles]
    return _collection(call, "directoryRoles", rows, _MEMBER_FIELDS)


def list_role_members(call: Call) -> Reply:
    """``GET /directoryRoles/{id}/members``: people, and groups that hold the role."""
    scenario = call.directory.scenario
    role = next((r for r in scenario.roles if r.object_id == call.params["id"].lower()), None)
    if role is None:
        raise not_found(call.params["id"])
    holders = [group for group in scenario.groups if group.display_name in role.groups]
    rows = [
        *_people(call.directory, role.members),
        *(_typed("group", _group(group)) for group in holders),
    ]
    return _collection(call, "directoryObjects", rows, _MEMBER_FIELDS)


def list_role_assignments(call: Call) -> Reply:
    """``GET /roleManagement/directory/roleAssignments``: direct ones, of all or of one principal."""
    text = call.request.query.get("$filter", "")
    named = _BY_PRINCIPAL.fullmatch(text)
    if text and named is None:
        raise bad_request("Only principalId can be filtered for.", "Request_UnsupportedQuery")
    rows = [
        _assignment(role, principal)
        for role in call.directory.scenario.roles
        for principal in _principals(call.directory, role)
        if named is None or principal == named[1].lower()
    ]
    known = frozenset({"id", "principalId", "roleDefinitionId", "directoryScopeId"})
    return _collection(call, "roleManagement/directory/roleAssignments", rows, known)


def _principals(directory: DirectoryState, role: RoleScenario) -> Iterator[str]:
    yield from (user.id for user in filter(None, map(directory.find, role.members)))
    groups: Mapping[str, GroupScenario] = {g.display_name: g for g in directory.scenario.groups}
    yield from (groups[name].object_id for name in role.groups)


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
            "id": role.template_id,
            "displayName": role.display_name,
            "isBuiltIn": True,
            "isEnabled": True,
            "templateId": role.template_id,
        }
        for role in call.directory.scenario.roles
    ]
    known = frozenset({"id", "displayName", "isBuiltIn", "isEnabled", "templateId"})
    return _collection(call, "roleManagement/directory/roleDefinitions", rows, known)
