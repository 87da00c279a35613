"""Accounts by the hundred thousand that no scenario file has to name: made from a seed, always the same."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from emberwatch.simulator.scenario import (
    CREATED,
    GroupScenario,
    PopulationScenario,
    RoleScenario,
    UserScenario,
)

_DEPARTMENTS: Final = ("Sales", "Finance", "Care", "Legal", "Works", "Research", "Transport", "Board office")
_TITLES: Final = ("Assistant", "Specialist", "Engineer", "Lead", "Trainee")
# One mapping for all who share it: a hundred thousand of their own would cost more than everything else.
_POSITIONS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {"department": department, "jobTitle": title} for department in _DEPARTMENTS for title in _TITLES
)
_ROLES: Final = (
    ("62e90394-69f5-4237-9190-012177145e10", "Global Administrator"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
)
_TEAM: Final = 12
"""So many report to one manager."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A group or role of the population, with its members by object id."""

    group: GroupScenario | None
    role: RoleScenario | None
    members: tuple[str, ...]


def people(wanted: PopulationScenario) -> Iterator[UserScenario]:
    """The accounts, in order."""
    rng = random.Random(wanted.seed)
    for number in range(wanted.count):
        yield _person(wanted, number, rng)


def _person(wanted: PopulationScenario, number: int, rng: random.Random) -> UserScenario:
    name = f"p{number:06}"
    upn = f"{name}@{wanted.domain}"
    chance = rng.random()
    created = _moment(rng)
    return UserScenario(
        upn=upn,
        id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        display_name=f"Person {number:06}",
        mail=upn if chance > 0.05 else None,
        other_mails=(f"{name}@private.example",) if chance > 0.8 else (),
        enabled=chance > 0.04,
        user_type="Guest" if chance < wanted.guests else "Member",
        synced=chance > 1 - wanted.synced,
        created=created,
        last_password_change=created + timedelta(days=rng.randrange(400)),
        properties=rng.choice(_POSITIONS),
    )


def _moment(rng: random.Random) -> datetime:
    return CREATED + timedelta(minutes=rng.randrange(3 * 365 * 24 * 60))


def chiefs(ids: list[str]) -> Iterator[tuple[str, str]]:
    """Who reports to whom: a tree without circles."""
    for number in range(1, len(ids)):
        yield ids[number], ids[(number - 1) // _TEAM]


def crowds(wanted: PopulationScenario, ids: list[str]) -> Iterator[Crowd]:
    """The groups, one of them with nearly half of everybody, and the directory roles."""
    rng = random.Random(wanted.seed + 1)
    for number in range(wanted.groups):
        size = len(ids) * 2 // 5 if number == 0 else rng.randint(0, 2 * wanted.group_size)
        group = GroupScenario(display_name=f"Group {number:05} of {wanted.domain}")
        yield Crowd(group, None, tuple(rng.sample(ids, min(size, len(ids)))))
    for template, name in _ROLES if wanted.roles else ():
        yield Crowd(
            None,
            RoleScenario(template_id=template, display_name=name),
            tuple(rng.sample(ids, min(3, len(ids)))),
        )
