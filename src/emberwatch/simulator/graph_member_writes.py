"""Graph's writes to the members of a group."""

from __future__ import annotations

from typing import Final

from emberwatch.simulator.graph_account_writes import MASTERED_ELSEWHERE
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_memberships import find_group
from emberwatch.simulator.graph_replies import bad_request, denied, no_content, not_found
from emberwatch.simulator.graph_write_bodies import referenced_id
from emberwatch.simulator.memberships import GroupState
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.writes import is_member, write_link

_ALREADY: Final = (
    "One or more added object references already exist for the following modified properties: 'members'."
)
_FOR_ROLES: Final = "RoleManagement.ReadWrite.Directory"


def add_member(call: Call) -> Reply:
    """``POST /groups/{id}/members/$ref``."""
    member = referenced_id(call.request)
    group = _writable_group(call)
    other = call.directory.memberships.groups.get(member)
    if not call.directory.is_present(member) and (other is None or other.deleted is not None):
        raise not_found(member)
    if member == group.id:
        raise bad_request("A group cannot be a member of itself.")
    if is_member(call.directory, group.id, member):
        raise bad_request(_ALREADY)
    write_link(call.directory, group.id, member, present=True)
    return no_content(call.request)


def remove_member(call: Call) -> Reply:
    """``DELETE /groups/{id}/members/{id}/$ref``."""
    group, member = _writable_group(call), call.params["member"].lower()
    if not is_member(call.directory, group.id, member):
        raise not_found(member)
    write_link(call.directory, group.id, member, present=False)
    return no_content(call.request)


def _writable_group(call: Call) -> GroupState:
    group = find_group(call)
    if group.scenario.assignable_to_role and _FOR_ROLES not in call.roles:
        raise denied()
    if group.scenario.synced:
        raise bad_request(MASTERED_ELSEWHERE)
    if group.scenario.dynamic:
        raise bad_request("The members of a group with dynamic membership cannot be changed.")
    return group
