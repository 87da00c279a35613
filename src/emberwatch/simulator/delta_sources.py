"""What a delta query tells of users and of groups: one interface over both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from emberwatch.simulator.changes import ChangeLog, Link
from emberwatch.simulator.group_properties import GROUP_DEFAULT_SELECT, GROUP_PROPERTIES
from emberwatch.simulator.managers import MANAGER
from emberwatch.simulator.memberships import MEMBERS
from emberwatch.simulator.state import DirectoryState
from emberwatch.simulator.user_properties import SIGN_IN_ACTIVITY, USER_DEFAULT_SELECT, USER_PROPERTIES

NumberedLink = tuple[int, Link]


@dataclass(frozen=True, slots=True)
class Tracked:
    """One object as a delta query sees it."""

    id: str
    number: int
    properties: Mapping[str, Any]
    reason: str = ""
    """Why it is not there any more: ``changed`` while it can be restored, then ``deleted``."""


class Source(Protocol):
    """One of the collections that can be tracked."""

    kind: str
    entity: str
    link: str
    """The relationship that can be selected beside the properties."""
    properties: frozenset[str]
    untracked: frozenset[str]
    """Properties that are kept elsewhere and cannot be selected."""
    default: tuple[str, ...]
    """What is told when nothing is selected."""

    @property
    def log(self) -> ChangeLog:
        """The changes of this collection."""

    def every(self, after: int) -> Iterator[Tracked]:
        """What is there or can be restored, in order of number, from behind a number on."""

    def find(self, object_id: str) -> Tracked:
        """One object, gone or not."""

    def links(self, object_id: str, after: int) -> Iterator[NumberedLink]:
        """What the object's relationship holds, in order of number, from behind a number on."""


class Users:
    kind, entity, link = "users", "user", MANAGER
    properties = USER_PROPERTIES - {SIGN_IN_ACTIVITY}
    untracked = frozenset({SIGN_IN_ACTIVITY})
    default: tuple[str, ...] = USER_DEFAULT_SELECT

    def __init__(self, directory: DirectoryState) -> None:
        self._directory = directory

    @property
    def log(self) -> ChangeLog:
        return self._directory.changes

    def every(self, after: int) -> Iterator[Tracked]:
        return (self.find(user.id) for user in self._directory.users_after(after))

    def find(self, object_id: str) -> Tracked:
        user = self._directory.users.get(object_id)
        if user is None:
            return Tracked(object_id, 0, {}, "deleted")
        return Tracked(user.id, user.number, user.properties, "changed" if user.deleted else "")

    def links(self, object_id: str, after: int) -> Iterator[NumberedLink]:
        held = self._directory.managers.links(object_id)
        return ((number, link) for number, link in enumerate(held, 1) if number > after)


class Groups:
    kind, entity, link = "groups", "group", MEMBERS
    properties = GROUP_PROPERTIES
    untracked: frozenset[str] = frozenset()
    default: tuple[str, ...] = (*GROUP_DEFAULT_SELECT, MEMBERS)

    def __init__(self, directory: DirectoryState) -> None:
        self._known = directory.memberships

    @property
    def log(self) -> ChangeLog:
        return self._known.changes

    def every(self, after: int) -> Iterator[Tracked]:
        ids = [group.id for group in self._known.groups.values() if group.number > after]
        return map(self.find, ids)

    def find(self, object_id: str) -> Tracked:
        group = self._known.groups.get(object_id)
        if group is None:
            return Tracked(object_id, 0, {}, "deleted")
        return Tracked(group.id, group.number, group.properties, "changed" if group.deleted else "")

    def links(self, object_id: str, after: int) -> Iterator[NumberedLink]:
        found = self._known.numbered_members(object_id, after)
        return ((number, Link(member, kind, present=True)) for number, member, kind in found)
