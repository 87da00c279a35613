"""A made-up organisation of any size for the simulated directory, and what happens to its accounts day by day."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from emberwatch.simulator import (
    AppRoleScenario,
    AppScenario,
    DirectoryScenario,
    GroupScenario,
    RoleScenario,
    SimulatedEntra,
    UserScenario,
    stable_id,
)
from emberwatch.simulator.state import DirectoryState, UserState
from tests.world import DIRECTORY

BEGIN: Final = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
DOMAIN: Final = "contoso.example"
GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"
DIRECTORY_READERS: Final = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
_DEPARTMENTS: Final = ("Sales", "Finance", "Works", "Legal", "")
_PER_GROUP: Final = 12


def people(size: int, *, seed: int = 1) -> Iterator[UserScenario]:
    rng = random.Random(seed)
    for number in range(size):
        yield person(number, rng)


def person(number: int, rng: random.Random) -> UserScenario:
    upn = f"person{number}@{DOMAIN}"
    kind = rng.random()
    return UserScenario(
        upn=upn,
        display_name=f"Person Nº {number}",
        mail=upn if rng.random() < 0.8 else None,
        other_mails=(f"p{number}@freemail.test",) if rng.random() < 0.2 else (),
        proxy_addresses=(f"smtp:alias{number}@{DOMAIN}",) if rng.random() < 0.4 else (),
        enabled=rng.random() > 0.05,
        user_type="Guest" if kind < 0.03 else "Member",
        created=BEGIN - timedelta(days=rng.randrange(2000)),
        last_password_change=BEGIN - timedelta(days=rng.randrange(400), seconds=rng.randrange(86_400)),
        deleted=BEGIN - timedelta(days=rng.randrange(25)) if 0.03 <= kind < 0.05 else None,
        synced=0.05 <= kind < 0.5,
        manager=f"person{number // 8}@{DOMAIN}" if number and rng.random() < 0.7 else None,
        properties=_properties(rng),
    )


def _properties(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"department": rng.choice(_DEPARTMENTS) or None, "jobTitle": "Clerk"}
    if rng.random() < 0.5:
        sku = stable_id(f"product {rng.randrange(4)}")
        found["assignedLicenses"] = [{"skuId": sku, "disabledPlans": []}]
    return found


def groups(users: list[UserScenario]) -> tuple[GroupScenario, ...]:
    """Some that hold others, one that may hold roles, one with nobody in it."""
    present = [user.upn for user in users if user.deleted is None]
    count = max(3, len(present) // _PER_GROUP // 4)
    return (
        *(
            GroupScenario(
                display_name=f"Group {number}",
                members=tuple(present[number :: count * 2][: 4 * _PER_GROUP]),
                groups=(f"Group {number + 1}",) if number % 3 == 0 and number + 1 < count else (),
            )
            for number in range(count)
        ),
        GroupScenario(display_name="Admins of roles", assignable_to_role=True, members=tuple(present[:2])),
        GroupScenario(display_name="Nobody"),
    )


def roles(users: list[UserScenario]) -> tuple[RoleScenario, ...]:
    present = [user.upn for user in users if user.deleted is None]
    return (
        RoleScenario(
            template_id=GLOBAL_ADMINISTRATOR,
            display_name="Global Administrator",
            members=tuple(present[2:4]),
            groups=("Admins of roles",),
        ),
        RoleScenario(
            template_id=DIRECTORY_READERS, display_name="Directory Readers", members=tuple(present[4:7])
        ),
    )


def gallery(users: Sequence[UserScenario], groups: Sequence[GroupScenario]) -> tuple[AppScenario, ...]:
    """Applications of other makers: given to people, to groups, to everybody, and one that nobody has."""
    people = [user.upn for user in users if user.deleted is None]
    names = [group.display_name for group in groups]
    return (
        AppScenario(
            client_id=stable_id("app payroll"),
            display_name="Payroll",
            registered_here=False,
            assignment_required=True,
            app_roles=(AppRoleScenario(value="Payroll.Admin", display_name="Payroll administrator"),),
            assigned_role="Payroll.Admin",
            assigned_users=tuple(people[:2]),
        ),
        AppScenario(
            client_id=stable_id("app crm"),
            display_name="Customers",
            registered_here=False,
            assignment_required=True,
            assigned_users=tuple(people[1:2]),
            assigned_groups=tuple(names[:2]),
        ),
        AppScenario(client_id=stable_id("app wiki"), display_name="Wiki", registered_here=False),
        AppScenario(
            client_id=stable_id("app vault"),
            display_name="Vault",
            registered_here=False,
            assignment_required=True,
        ),
    )


def parts(size: int, *, seed: int = 1) -> dict[str, Any]:
    """The fields of a :class:`DirectoryScenario`."""
    users = list(people(size, seed=seed))
    _without_managers_in_the_bin = {user.upn for user in users if user.deleted is not None}
    users = [
        user
        if user.manager not in _without_managers_in_the_bin
        else UserScenario(**{**_fields(user), "manager": None})
        for user in users
    ]
    return {"users": tuple(users), "groups": groups(users), "roles": roles(users)}


def _fields(user: UserScenario) -> dict[str, Any]:
    return {name: getattr(user, name) for name in UserScenario.__dataclass_fields__}


class Days:
    """What happens in a living directory, from a seeded source."""

    def __init__(self, entra: SimulatedEntra, *, seed: int = 7) -> None:
        self._entra = entra
        self._rng = random.Random(seed)
        self._new = 1_000_000

    @property
    def _directory(self) -> DirectoryState:
        return self._entra.directory(DIRECTORY)

    def pass_by(self, changes: int) -> None:
        kinds: list[tuple[Callable[[], None], int]] = [
            (self._edit, 40),
            (self._rename, 10),
            (self._set_password, 15),
            (self._delete, 8),
            (self._restore, 4),
            (self._purge, 2),
            (self._come, 8),
            (self._move, 5),
            (self._join, 5),
            (self._part, 3),
        ]
        deeds, weights = zip(*kinds, strict=True)
        for deed in self._rng.choices(deeds, weights, k=changes):
            deed()

    def _someone(self) -> UserState:
        users = self._directory.users
        if not hasattr(self, "_ids") or self._rng.random() < 0.01:
            self._ids = list(users)
        while True:
            user = users.get(self._rng.choice(self._ids))
            if user is not None and not user.deleted:
                return user

    def _edit(self) -> None:
        user = self._someone()
        told = self._rng.choice(
            (
                {"enabled": not user.scenario.enabled},
                {"properties": {**user.scenario.properties, "department": f"D{self._rng.randrange(99)}"}},
                {"properties": {**user.scenario.properties, "jobTitle": None}},
                {"other_mails": (f"new{self._rng.randrange(10**6)}@freemail.test",)},
                {"other_mails": ()},
            )
        )
        self._directory.change_user(user.id, **told)

    def _rename(self) -> None:
        self._new += 1
        self._directory.change_user(self._someone().id, upn=f"renamed{self._new}@{DOMAIN}")

    def _set_password(self) -> None:
        self._directory.change_user(self._someone().id, password=f"Right-{self._rng.randrange(10**9)}")

    def _delete(self) -> None:
        at = self._entra.clock().replace(microsecond=0)
        self._directory.change_user(self._someone().id, deleted=at)

    def _gone(self) -> UserState | None:
        gone = list(self._directory.gone())
        return self._rng.choice(gone) if gone else None

    def _restore(self) -> None:
        user = self._gone()
        if user is not None and self._directory.find(user.scenario.upn) is None:
            self._directory.change_user(user.id, deleted=None)

    def _purge(self) -> None:
        user = self._gone()
        if user is not None:
            self._directory.purge_user(user.id)

    def _come(self) -> None:
        self._new += 1
        user = UserScenario(upn=f"new{self._new}@{DOMAIN}", mail=f"new{self._new}@{DOMAIN}")
        self._directory.add_user(user)

    def _move(self) -> None:
        boss = self._someone().scenario.upn
        self._directory.change_user(self._someone().id, manager=boss)

    def _group(self) -> str:
        return self._rng.choice([group.id for group in self._directory.memberships.present_groups()])

    def _join(self) -> None:
        self._directory.memberships.join(self._group(), self._someone().id)

    def _part(self) -> None:
        group = self._group()
        people = [member for member, kind in self._directory.memberships.members(group) if kind == "user"]
        if people:
            self._directory.memberships.part(group, self._rng.choice(people))


def scenario(size: int, **directory: Any) -> DirectoryScenario:
    return DirectoryScenario(**{**parts(size), **directory})
