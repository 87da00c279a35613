"""The sync of an on-premises directory, which puts back what was written to its accounts elsewhere."""

from __future__ import annotations

from emberwatch.simulator.state import DirectoryState, UserState


def sync(directory: DirectoryState) -> list[str]:
    """Enable or disable again each account whose state was written over; their object ids."""
    undone = {user.id: user.enabled_there for user in directory.present() if user.enabled_there is not None}
    for user_id, enabled in undone.items():
        directory.change_user(user_id, enabled=enabled)
    return list(undone)


def put_back(directory: DirectoryState, user: UserState) -> list[str]:
    """Enable one account, as a sync does when it is enabled on premises."""
    if not user.scenario.synced:
        raise ValueError(f"{user.scenario.upn!r} is not synced")
    directory.change_user(user.id, enabled=True)
    return [user.id]
