"""One made-up directory in two builds: in memory behind the fake, and simulated behind the real adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import httpx

from emberwatch.core.secret import Secret
from emberwatch.directories.base import ConnectionSettings, Directory, LeakDetector, SignInLog
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.simulator import ScriptedAnswer, UserScenario
from emberwatch.simulator.lockout import LockoutPolicy
from emberwatch.simulator.messages import Request
from emberwatch.simulator.service import Service
from tests.fakes.directory import FakeAccount, FakeEntra, federated, managed
from tests.unit.simulator.worlds import CLIENT_ID, DIRECTORY_ID, NOW, ORIGIN, SECRET, Lab, app, lab

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


PEOPLE: Final = (
    Person(upn="ann@corp.example", mail="ann.mail@corp.example", aliases=("ann.alias@corp.example",)),
    Person(upn="bob@corp.example", changed_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
    Person(upn="dis@corp.example", enabled=False),
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


@dataclass
class InMemory:
    """The fake."""

    people: Sequence[Person] = PEOPLE
    name: str = "fake"
    now: datetime = NOW
    accounts: dict[str, FakeAccount] = field(default_factory=dict)

    def __post_init__(self) -> None:
        domains = (managed("corp.example"), federated("fed.example"))
        self.entra = FakeEntra(lambda: self.now, lockout=LockoutPolicy(THRESHOLD), domains=domains)
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
        )
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


class InProcess(httpx.BaseTransport):
    """Carries requests to a simulator in the same process."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = Request(
            request.method,
            request.url.raw_path.decode(),
            {name.lower(): value for name, value in request.headers.items()},
            request.read(),
        )
        reply = self._service.handle(asked).reply
        if reply is None:
            raise httpx.ReadError("the connection was cut", request=request)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)


@dataclass
class Simulated:
    """The real adapter over the simulator."""

    people: Sequence[Person] = PEOPLE
    name: str = "entra"

    def __post_init__(self) -> None:
        self.lab: Lab = lab(
            users=[_user(person) for person in self.people],
            apps=[app(granted_roles=("Directory.Read.All",))],
            lockout_threshold=THRESHOLD,
            lockout_seconds=60,
        )

    def directory(self) -> FullDirectory:
        cloud = Cloud("test", "Test", ORIGIN, ORIGIN, ORIGIN)
        settings = ConnectionSettings("test", UUID(DIRECTORY_ID), UUID(CLIENT_ID), Secret(SECRET))
        client = httpx.Client(transport=InProcess(self.lab.service), trust_env=False)
        return EntraDirectory(cloud, settings, client, self.lab.clock)

    def advance(self, by: timedelta) -> None:
        self.lab.clock.advance(by.total_seconds())

    def attempts_for(self, upn: str) -> int:
        return len(self.lab.journal.attempts_for(upn))


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
