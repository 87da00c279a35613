"""The living groups and directory roles: who belongs to what, and what that changes for delta queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any, Final

from emberwatch.simulator.changes import WHOLE, ChangeLog, Link
from emberwatch.simulator.group_properties import group_object
from emberwatch.simulator.scenario import GroupScenario, RoleScenario
from emberwatch.simulator.scenario_apps import principal_of

MEMBERS: Final = "members"
_ABOVE_PEOPLE: Final = 1 << 40
Present = Callable[[str], bool]


@dataclass(slots=True)
class GroupState:
    scenario: GroupScenario
    """Without its members."""
    number: int
    people: dict[str, int]
    """By object id, deleted accounts too: a restored one is a member again. The number tells the order."""
    inside: dict[str, int]
    """The groups inside, likewise; their numbers are above all those of people."""
    deleted: datetime | None = None

    @property
    def id(self) -> str:
        return self.scenario.id

    @property
    def properties(self) -> dict[str, Any]:
        return group_object(self.scenario, self.deleted)


@dataclass(slots=True)
class RoleState:
    scenario: RoleScenario
    people: dict[str, None]
    holders: dict[str, None]
    """Object ids of the groups that hold the role."""
    principals: dict[str, None] = field(default_factory=dict)
    """Object ids of the service principals that hold it."""

    @property
    def id(self) -> str:
        return self.scenario.object_id


class Memberships:
    """Groups and roles of one directory. ``present`` says whether an account is there and not deleted."""

    def __init__(self, present: Present) -> None:
        self.changes = ChangeLog()
        self.groups: dict[str, GroupState] = {}
        self.roles: dict[str, RoleState] = {}
        self._present = present
        self._holders: dict[str, dict[str, None]] = {}
        self._numbers = count(1)
        self._joined = count(1)

    def load(
        self,
        groups: Iterable[GroupScenario],
        roles: Iterable[RoleScenario],
        find: Callable[[str], str | None],
    ) -> None:
        """Take over a scenario's groups and roles; ``find`` gives the object id of a user name."""
        named = list(groups)
        ids = {group.display_name: group.object_id for group in named}
        own = set(ids.values())
        for group in named:
            state = self._put(group)
            for member in [*filter(None, map(find, group.members)), *(ids[name] for name in group.groups)]:
                self._enter(state, member, is_group=member in own)
        for role in roles:
            people = dict.fromkeys(filter(None, map(find, role.members)))
            holders = {ids[name]: None for name in role.groups}
            apps = dict.fromkeys(map(principal_of, role.apps))
            self.roles[role.object_id] = RoleState(role, people, holders, apps)

    def fill(self, group: GroupScenario, members: Iterable[str]) -> None:
        """Take over a group whose members are known by object id."""
        state = self._put(group)
        for member in members:
            self._enter(state, member, is_group=False)

    def fill_role(self, role: RoleScenario, members: Iterable[str]) -> None:
        """Make accounts hold a role that others may hold already."""
        held = self.roles.setdefault(role.object_id, RoleState(role, {}, {}))
        held.people.update(dict.fromkeys(members))

    def add_group(self, group: GroupScenario) -> GroupState:
        """Create a group without members."""
        state = self._put(group)
        self.changes.note(state.id, WHOLE)
        return state

    def _put(self, group: GroupScenario) -> GroupState:
        scenario = replace(group, id=group.object_id, members=(), groups=())
        state = GroupState(scenario, next(self._numbers), {}, {})
        self.groups[state.id] = state
        return state

    def change_group(self, group_id: str, **changes: Any) -> GroupState:
        """Change fields of :class:`GroupScenario`."""
        state = self.groups[group_id]
        before = state.properties
        state.scenario = replace(state.scenario, **changes)
        after = state.properties
        self.changes.note(group_id, {name for name in after if after[name] != before[name]})
        return state

    def delete_group(self, group_id: str, at: datetime) -> None:
        """Delete a group so that it can be restored."""
        self.groups[group_id].deleted = at
        self.changes.note(group_id, WHOLE)
        self._tell_holders(group_id, present=False)

    def purge_group(self, group_id: str) -> None:
        """Remove a deleted group for good."""
        state = self.groups.pop(group_id)
        for member in (*state.people, *state.inside):
            self._holders[member].pop(group_id)
        for holder in self._holders.pop(group_id, {}):
            self.groups[holder].inside.pop(group_id)
        for role in self.roles.values():
            role.holders.pop(group_id, None)
        self.changes.note(group_id, WHOLE)

    def restore_group(self, group_id: str) -> None:
        """Bring a deleted group back."""
        self.groups[group_id].deleted = None
        # What it held before it was deleted is told again with it.
        links = [Link(member, kind, present=True) for member, kind in self.members(group_id)]
        self.changes.note(group_id, WHOLE, links)
        self._tell_holders(group_id, present=True)

    def _tell_holders(self, group_id: str, *, present: bool) -> None:
        for holder in self.holders_of(group_id):
            self.changes.note(holder.id, {MEMBERS}, [Link(group_id, "group", present)])

    def has_member(self, group_id: str, member: str) -> bool:
        """Whether a user or group is a direct member, deleted or not."""
        state = self.groups[group_id]
        return member in state.people or member in state.inside

    def join(self, group_id: str, member: str) -> None:
        """Make a user or group a member; one that is already stays so."""
        state = self.groups[group_id]
        if self.has_member(group_id, member):
            return
        self._enter(state, member, is_group=member in self.groups)
        self._tell(state, member, present=True)

    def part(self, group_id: str, member: str) -> None:
        """End a membership."""
        state = self.groups[group_id]
        if not self.has_member(group_id, member):
            return
        self._tell(state, member, present=False)
        state.people.pop(member, None)
        state.inside.pop(member, None)
        self._holders[member].pop(group_id)

    def account_left(self, user_id: str) -> None:
        """An account was deleted: its memberships rest until it is restored."""
        for state in self.holders_of(user_id):
            self.changes.note(state.id, {MEMBERS}, [Link(user_id, "user", present=False)])

    def account_forgotten(self, user_id: str) -> None:
        """A deleted account is gone for good, and its memberships with it."""
        for group_id in self._holders.pop(user_id, {}):
            self.groups[group_id].people.pop(user_id, None)
        for role in self.roles.values():
            role.people.pop(user_id, None)

    def account_returned(self, user_id: str) -> None:
        for state in self.holders_of(user_id):
            self.changes.note(state.id, {MEMBERS}, [Link(user_id, "user", present=True)])

    def _enter(self, state: GroupState, member: str, *, is_group: bool) -> None:
        number = next(self._joined)
        if is_group:
            state.inside[member] = _ABOVE_PEOPLE + number
        else:
            state.people[member] = number
        self._holders.setdefault(member, {})[state.id] = None

    def _tell(self, state: GroupState, member: str, *, present: bool) -> None:
        kind = "group" if member in state.inside else "user"
        self.changes.note(state.id, {MEMBERS}, [Link(member, kind, present)])

    def present_groups(self) -> Iterator[GroupState]:
        return (group for group in self.groups.values() if group.deleted is None)

    def roles_of(self, principal: str) -> frozenset[str]:
        """The templates of the roles that a user or service principal holds directly."""
        return frozenset(
            role.scenario.template_id.lower()
            for role in self.roles.values()
            if principal in role.people or principal in role.principals
        )

    def members(self, group_id: str) -> list[tuple[str, str]]:
        """Object ids of the direct members that are not deleted, with their kind."""
        return [(member, kind) for _, member, kind in self.numbered_members(group_id)]

    def numbered_members(self, group_id: str, after: int = 0) -> Iterator[tuple[int, str, str]]:
        """The direct members that are not deleted: number, object id and kind, from behind a number on."""
        state, groups, present = self.groups[group_id], self.groups, self._present
        for user_id, number in state.people.items():
            if number > after and present(user_id):
                yield number, user_id, "user"
        for other, number in state.inside.items():
            if number > after and groups[other].deleted is None:
                yield number, other, "group"

    def holders_of(self, member: str) -> list[GroupState]:
        """The groups that a user or group belongs to directly."""
        groups = (self.groups[group_id] for group_id in self._holders.get(member, ()))
        return [group for group in groups if group.deleted is None]

    def upwards(self, start: Iterable[GroupState]) -> list[GroupState]:
        """These groups and all that hold them, each once, whatever circles there are."""
        return _closure(start, lambda group: self.holders_of(group.id))

    def downwards(self, start: GroupState) -> list[GroupState]:
        """This group and all inside it."""
        return _closure([start], self._groups_inside)

    def _groups_inside(self, group: GroupState) -> list[GroupState]:
        return [self.groups[other] for other in group.inside if self.groups[other].deleted is None]


def _closure(
    start: Iterable[GroupState], following: Callable[[GroupState], Iterable[GroupState]]
) -> list[GroupState]:
    found: dict[str, GroupState] = {}
    waiting = list(start)
    while waiting:
        group = waiting.pop(0)
        if group.id not in found:
            found[group.id] = group
            waiting.extend(following(group))
    return list(found.values())
