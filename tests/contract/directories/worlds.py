"""One made-up directory in two builds: in memory behind the fake, and simulated behind the real adapter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID, uuid5

import httpx

from emberwatch.core.secret import Secret
from emberwatch.directories.base import (
    AppKey,
    ClientSecret,
    ConnectionSettings,
    Directory,
    LeakDetector,
    Membership,
    SignInLog,
)
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.simulator import (
    GroupScenario,
    RiskDetectionScenario,
    RoleScenario,
    ScriptedAnswer,
    SimClock,
    UserScenario,
    sign_in_as_others,
)
from emberwatch.simulator.lockout import LockoutPolicy
from tests.fakes.directory import FakeAccount, FakeEntra, federated, managed
from tests.simulated import InProcessEntra
from tests.unit.simulator.worlds import CLIENT_ID, DIRECTORY_ID, NOW, SECRET, app, directory, scenario

RIGHT: Final = "Right-Passw0rd"
THRESHOLD: Final = 4


class FullDirectory(Directory, LeakDetector, SignInLog, Protocol):
    """A directory with every ability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What both builds know of an account. ``code`` is what its sign-ins end in, after ``when``."""

    upn: str
    password: str | None = RIGHT
    mail: str = ""
    aliases: tuple[str, ...] = ()
    enabled: bool = True
    guest: bool = False
    deleted_at: datetime | None = None
    changed_at: datetime | None = None
    code: int | None = None
    right_only: bool = False
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    leaks: tuple[datetime, ...] = ()


SALES, OPERATORS, EUROPE = "Sales", "Operators", "Europe"
GROUPS: Final = {name: str(uuid5(UUID(int=9), name)) for name in (SALES, OPERATORS, EUROPE)}
ASSIGNABLE: Final = frozenset({OPERATORS})
WITHIN: Final = {SALES: EUROPE}
"""Whoever is in the first group is in the second one through it."""
DIRECTORY_READERS: Final = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
USER_ADMINISTRATOR: Final = "fe930be7-5e62-47db-91af-98c3a49a38b1"
ROLES: Final = {DIRECTORY_READERS: "Directory Readers", USER_ADMINISTRATOR: "User Administrator"}
OPTIONAL: Final = ("IdentityRiskEvent.Read.All", "AuditLog.Read.All")
LEAKED, LEAKED_AGAIN = datetime(2026, 4, 1, 6, 0, tzinfo=UTC), datetime(2026, 4, 30, 6, 0, tzinfo=UTC)

PEOPLE: Final = (
    Person(upn="ann@corp.example", mail="ann.mail@corp.example", aliases=("ann.alias@corp.example",)),
    Person(upn="bob@corp.example", changed_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
    Person(upn="dis@corp.example", enabled=False),
    Person(upn="eve@corp.example", groups=(SALES, OPERATORS), leaks=(LEAKED, LEAKED_AGAIN)),
    Person(upn="lea@corp.example", roles=(DIRECTORY_READERS,), leaks=(LEAKED,)),
    Person(upn="max@corp.example", roles=(USER_ADMINISTRATOR,)),
    Person(upn="fed@fed.example"),
    Person(upn="gus_home.example#EXT#@corp.example", mail="gus@home.example", guest=True, password=None),
    Person(upn="mfa@corp.example", code=50076, right_only=True),
    Person(upn="new@corp.example", code=599999),
    Person(upn="nopass@corp.example", password=None),
    Person(upn="old@corp.example", deleted_at=datetime(2026, 4, 20, 7, 0, tzinfo=UTC)),
    Person(upn="twin1@corp.example", mail="twin@corp.example"),
    Person(upn="twin2@corp.example", mail="twin@corp.example"),
)


class World(Protocol):
    name: str

    def directory(self) -> FullDirectory: ...

    def advance(self, by: timedelta) -> None: ...

    def attempts_for(self, upn: str) -> int: ...

    def wrong_by_others(self, upn: str, password: str) -> None: ...


@dataclass
class InMemory:
    """The fake."""

    people: Sequence[Person] = PEOPLE
    optional: bool = True
    name: str = "fake"
    now: datetime = NOW
    accounts: dict[str, FakeAccount] = field(default_factory=dict)

    def __post_init__(self) -> None:
        domains = (managed("corp.example"), federated("fed.example"))
        self.entra = FakeEntra(
            lambda: self.now,
            lockout=LockoutPolicy(THRESHOLD),
            domains=domains,
            offers_detections=self.optional,
            offers_log=self.optional,
        )
        for person in self.people:
            self.accounts[person.upn] = self._add(person)

    def _add(self, person: Person) -> FakeAccount:
        account = self.entra.add(
            person.upn,
            password=person.password,
            mail=person.mail,
            aliases=person.aliases,
            enabled=person.enabled,
            user_type="Guest" if person.guest else "Member",
            last_password_change_at=person.changed_at,
            memberships=list(_memberships(person)),
        )
        for leaked in person.leaks:
            self.entra.detect(account, leaked)
        account.deleted_at = person.deleted_at
        if person.code is not None:
            self.entra.script(account, person.code, when="right" if person.right_only else "any")
        return account

    def directory(self) -> FullDirectory:
        return self.entra.connect(UUID(CLIENT_ID))

    def advance(self, by: timedelta) -> None:
        self.now += by

    def attempts_for(self, upn: str) -> int:
        return len(self.entra.attempts_for(self.accounts[upn]))

    def wrong_by_others(self, upn: str, password: str) -> None:
        self.entra.fail_by_others(self.accounts[upn], password)


def _memberships(person: Person) -> Iterator[Membership]:
    for name in (*person.groups, *(WITHIN[name] for name in person.groups if name in WITHIN)):
        yield Membership(GROUPS[name], name, is_role=False, privileged=name in ASSIGNABLE)
    for role in person.roles:
        yield Membership(role, ROLES[role], is_role=True, privileged=role != DIRECTORY_READERS)


@dataclass
class Simulated:
    """The real adapter over the simulator."""

    people: Sequence[Person] = PEOPLE
    optional: bool = True
    name: str = "entra"

    def __post_init__(self) -> None:
        ours = app(granted_roles=("Directory.Read.All", *(OPTIONAL if self.optional else ())))
        own = directory(
            users=tuple(_user(person) for person in self.people),
            apps=(ours,),
            groups=tuple(_groups(self.people)),
            roles=tuple(_roles(self.people)),
            detections=tuple(_detections(self.people)),
            premium=True,
            lockout_threshold=THRESHOLD,
            lockout_seconds=60,
        )
        self.entra = InProcessEntra(scenario(own), SimClock(NOW, frozen=True))

    def directory(self) -> FullDirectory:
        cloud = Cloud("test", "Test", self.entra.url, self.entra.graph_url, self.entra.portal_url)
        settings = ConnectionSettings(
            "test", UUID(DIRECTORY_ID), UUID(CLIENT_ID), (AppKey(ClientSecret(Secret(SECRET))),)
        )
        client = httpx.Client(transport=self.entra.transport(), trust_env=False)
        return EntraDirectory(cloud, settings, client, self.entra.clock)

    def advance(self, by: timedelta) -> None:
        self.entra.clock.advance(by.total_seconds())

    def attempts_for(self, upn: str) -> int:
        return len(self.entra.journal.attempts_for(upn))

    def wrong_by_others(self, upn: str, password: str) -> None:
        sign_in_as_others(self.entra.directory(DIRECTORY_ID), upn, password)


def _detections(people: Sequence[Person]) -> Iterator[RiskDetectionScenario]:
    for person in people:
        for leaked in person.leaks:
            yield RiskDetectionScenario(upn=person.upn, detected=leaked)


def _groups(people: Sequence[Person]) -> Iterator[GroupScenario]:
    for name, key in GROUPS.items():
        yield GroupScenario(
            display_name=name,
            id=key,
            assignable_to_role=name in ASSIGNABLE,
            members=tuple(person.upn for person in people if name in person.groups),
            groups=tuple(inner for inner, outer in WITHIN.items() if outer == name),
        )


def _roles(people: Sequence[Person]) -> Iterator[RoleScenario]:
    for template, name in ROLES.items():
        members = tuple(person.upn for person in people if template in person.roles)
        yield RoleScenario(template_id=template, display_name=name, members=members)


def _user(person: Person) -> UserScenario:
    answer = None
    if person.code is not None:
        answer = ScriptedAnswer(code=person.code, when="right" if person.right_only else "any")
    return UserScenario(
        upn=person.upn,
        password=person.password,
        mail=person.mail or None,
        proxy_addresses=tuple(f"smtp:{alias}" for alias in person.aliases),
        enabled=person.enabled,
        user_type="Guest" if person.guest else "Member",
        deleted=person.deleted_at,
        last_password_change=person.changed_at,
        answer=answer,
    )
