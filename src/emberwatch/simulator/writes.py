"""What a write through Graph changes, now for whoever writes or signs in and later for whoever reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from emberwatch.simulator.late_writes import LateFields, LateLink
from emberwatch.simulator.state import DirectoryState, UserState

_FIELDS: Final = (
    "enabled",
    "last_password_change",
    "password_expired",
    "force_change",
    "force_change_with_mfa",
    "sessions_valid_from",
    "risk",
)
"""Fields of an account that a write can change."""
_SHADOWING: Final = frozenset(
    {
        "accountEnabled",
        "lastPasswordChangeDateTime",
        "passwordProfile",
        "signInSessionsValidFromDateTime",
    }
)
"""What a scenario may say of an account by Graph's names, in place of the fields: a write ends that."""


def write_account(directory: DirectoryState, user: UserState, **changes: Any) -> None:
    """Change fields of an account as a write through Graph does."""
    own = user.scenario.properties
    names: tuple[str, ...] = _FIELDS
    if not _SHADOWING.isdisjoint(own):
        changes["properties"] = {name: value for name, value in own.items() if name not in _SHADOWING}
        names = (*_FIELDS, "properties")
    due = _due(directory)
    if due is None:
        directory.change_user(user.id, **changes)
        return
    late = user.late = user.late or LateFields({}, user.password is not None)
    directory.late_users[user.id] = user
    for name in names:
        late.shown.setdefault(name, getattr(user.scenario, name))
    directory.change_user(user.id, **changes)
    late.waiting.append((due, {name: getattr(user.scenario, name) for name in names}))


def write_link(directory: DirectoryState, group_id: str, member: str, *, present: bool) -> None:
    """Let a user or group join or leave a group as a write through Graph does."""
    due = _due(directory)
    if due is not None:
        directory.late_links.add(LateLink(due, group_id, member, present))
    elif present:
        directory.memberships.join(group_id, member)
    else:
        directory.memberships.part(group_id, member)


def is_member(directory: DirectoryState, group_id: str, member: str) -> bool:
    """Whether it is a direct member for whoever writes, shown or not."""
    written = directory.late_links.says(group_id, member)
    return directory.memberships.has_member(group_id, member) if written is None else written


def _due(directory: DirectoryState) -> datetime | None:
    """When a write of this moment shows; None: at once."""
    delay = directory.scenario.write_delay_seconds
    return directory.world.clock() + timedelta(seconds=delay) if delay else None


def settle(directory: DirectoryState) -> None:
    """Show the writes whose time has come, to reads and to delta queries."""
    now = directory.world.clock()
    for user in list(directory.late_users.values()):
        _show(directory, user, now)
    for link in directory.late_links.pop_due(now):
        _show_link(directory, link)


def _show(directory: DirectoryState, user: UserState, now: datetime) -> None:
    before, late = user.properties, user.late
    if late is None or not late.arrive(now):
        return
    while late.arrive(now):
        pass
    if not late.waiting:
        user.late = None
        del directory.late_users[user.id]
    after = user.properties
    if directory.is_present(user.id):
        directory.changes.note(user.id, {name for name in after if after[name] != before[name]})


def _show_link(directory: DirectoryState, link: LateLink) -> None:
    known = directory.memberships
    # The group or the member may have been removed for good since.
    if link.group_id in known.groups and (link.member in directory.users or link.member in known.groups):
        move = known.join if link.present else known.part
        move(link.group_id, link.member)
