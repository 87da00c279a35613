"""Random changes to a directory, as a day brings them, and the truth that a copy of it has to equal afterwards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emberwatch.simulator.scenario import UserScenario, default_domain
from emberwatch.simulator.state import DirectoryState
from emberwatch.simulator.writes import settle

_TITLES: Final = ("Archivist", "Baker", "Cooper", "Dyer", "Fuller", "Glazier")


@dataclass(slots=True)
class Churn:
    """What was done: how often each kind, and to which accounts and groups."""

    directory: DirectoryState
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)
    users: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    present: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    crowds: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {"done": dict(self.done), "users": sorted(self.users), "groups": sorted(self.groups)}


def churn(directory: DirectoryState, count: int, *, seed: int = 0) -> Churn:
    """Apply so many changes, the same for the same seed and directory."""
    with directory.world.lock:
        state = Churn(directory, random.Random(seed))
        state.present = [user.id for user in directory.present()]
        state.deleted = [user.id for user in directory.gone()]
        state.crowds = [group.id for group in directory.memberships.present_groups()]
        names, weights = list(_KINDS), [weight for weight, _ in _KINDS.values()]
        while state.done.total() < count:
            (name,) = state.rng.choices(names, weights)
            if _KINDS[name][1](state):
                state.done[name] += 1
        return state


def _someone(state: Churn) -> str | None:
    if not state.present:
        return None
    user_id = state.rng.choice(state.present)
    state.users.add(user_id)
    return user_id


def _update(state: Churn) -> bool:
    user_id = _someone(state)
    if user_id is None:
        return False
    own = state.directory.users[user_id].scenario
    changes: Mapping[str, Any] = state.rng.choice(
        (
            {"properties": {**own.properties, "jobTitle": _another_title(state, own)}},
            {"enabled": not own.enabled},
            {"display_name": f"{own.display_name or own.upn} jr"},
            {"other_mails": (*own.other_mails, f"m{state.rng.getrandbits(48):x}@private.example")},
        )
    )
    state.directory.change_user(user_id, **changes)
    return True


def _another_title(state: Churn, own: UserScenario) -> str:
    return state.rng.choice([title for title in _TITLES if title != own.properties.get("jobTitle")])


def _rename(state: Churn) -> bool:
    user_id = _someone(state)
    if user_id is None:
        return False
    domain = state.directory.users[user_id].scenario.upn.partition("@")[2]
    state.directory.change_user(user_id, upn=f"n{state.rng.getrandbits(64):016x}@{domain}")
    return True


def _reassign(state: Churn) -> bool:
    user_id = _someone(state)
    if user_id is None:
        return False
    chief = state.rng.choice(state.present)
    before = state.directory.managers.of(user_id)
    state.directory.managers.set(user_id, None if chief == user_id else chief)
    return state.directory.managers.of(user_id) != before


def _delete(state: Churn) -> bool:
    user_id = _someone(state)
    if user_id is None:
        return False
    state.directory.change_user(user_id, deleted=state.directory.world.clock())
    state.present.remove(user_id)
    state.deleted.append(user_id)
    return True


def _restore(state: Churn) -> bool:
    if not state.deleted:
        return False
    user_id = state.rng.choice(state.deleted)
    if state.directory.find(state.directory.users[user_id].scenario.upn) is not None:
        return False
    state.directory.change_user(user_id, deleted=None)
    state.deleted.remove(user_id)
    state.present.append(user_id)
    state.users.add(user_id)
    return True


def _purge(state: Churn) -> bool:
    if not state.deleted:
        return False
    user_id = state.rng.choice(state.deleted)
    state.directory.purge_user(user_id)
    state.deleted.remove(user_id)
    state.users.add(user_id)
    return True


def _add(state: Churn) -> bool:
    name = f"a{state.rng.getrandbits(64):016x}"
    upn = f"{name}@{default_domain(state.directory.scenario).name}"
    user = state.directory.add_user(UserScenario(upn=upn, mail=upn, created=state.directory.world.clock()))
    state.present.append(user.id)
    state.users.add(user.id)
    return True


def _move_member(state: Churn) -> bool:
    if not state.crowds or not state.present:
        return False
    known, group = state.directory.memberships, state.rng.choice(state.crowds)
    members = [member for member, kind in known.members(group) if kind == "user"]
    if members and state.rng.random() < 0.5:
        known.part(group, state.rng.choice(members))
    else:
        joining = state.rng.choice(state.present)
        if joining in members:
            return False
        known.join(group, joining)
    state.groups.add(group)
    return True


_KINDS: Final[Mapping[str, tuple[int, Callable[[Churn], bool]]]] = {
    "update": (50, _update),
    "rename": (8, _rename),
    "reassign": (6, _reassign),
    "add": (10, _add),
    "delete": (8, _delete),
    "restore": (4, _restore),
    "purge": (2, _purge),
    "member": (12, _move_member),
}


def truth(directory: DirectoryState, select: Iterable[str]) -> dict[str, Any]:
    """What a complete copy of the directory holds at this moment."""
    names = tuple(select)
    known = directory.memberships
    with directory.world.lock:
        settle(directory)
        return {
            "users": {
                user.id: {name: user.properties[name] for name in names} for user in directory.present()
            },
            "managers": {
                user.id: manager
                for user in directory.present()
                if (manager := directory.managers.of(user.id)) is not None
            },
            "deleted": sorted(user.id for user in directory.gone()),
            "groups": {
                group.id: {
                    "displayName": group.scenario.display_name,
                    "members": sorted(member for member, _ in known.members(group.id)),
                }
                for group in known.present_groups()
            },
            "roles": {
                role.id: sorted([*filter(directory.is_present, role.people), *role.holders])
                for role in known.roles.values()
            },
        }
