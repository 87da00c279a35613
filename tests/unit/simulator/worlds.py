"""A small made-up world for the simulator's tests, and a way to talk to it without a socket."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    FaultRule,
    Scenario,
    SecretScenario,
    SimClock,
    UserScenario,
)
from emberwatch.simulator.context import Context
from emberwatch.simulator.faults import FaultPlan
from emberwatch.simulator.journal import Journal
from emberwatch.simulator.keys import TokenKey
from emberwatch.simulator.messages import Request
from emberwatch.simulator.service import Service
from emberwatch.simulator.state import DirectoryState, World

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ORIGIN = "https://127.0.0.1:8443"
DIRECTORY_ID = "11111111-2222-4333-8444-555555555555"
OTHER_ID = "99999999-2222-4333-8444-555555555555"
CLIENT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SECRET = "Qw8~invented-client-secret-value.0123456"
UPN = "ann@corp.example"
PASSWORD = "Correct-Horse-1"

# One key for all worlds: making one takes longer than most tests.
_KEY = TokenKey()


def user(**changes: Any) -> UserScenario:
    return UserScenario(**{"upn": UPN, "mail": UPN, "password": PASSWORD, **changes})


def app(**changes: Any) -> AppScenario:
    plain: dict[str, Any] = {
        "client_id": CLIENT_ID,
        "secrets": (SecretScenario(value=SECRET),),
        "granted_roles": ("Directory.Read.All",),
        "consented_scopes": ("openid",),
    }
    return AppScenario(**{**plain, **changes})


def directory(**changes: Any) -> DirectoryScenario:
    plain: dict[str, Any] = {
        "id": DIRECTORY_ID,
        "name": "Corp",
        "domains": (
            DomainScenario(name="corp.example", default=True),
            DomainScenario(name="fed.example", authentication="Federated"),
            DomainScenario(name="new.example", verified=False),
        ),
        "apps": (app(),),
        "users": (user(),),
    }
    return DirectoryScenario(**{**plain, **changes})


def scenario(*directories: DirectoryScenario, **changes: Any) -> Scenario:
    return Scenario(directories=directories or (directory(),), **changes)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.raw)
        return parsed

    @property
    def code(self) -> int:
        """The last sign-in code; 0 when a token was issued."""
        codes: list[int] = self.body.get("error_codes", [0])
        return codes[-1]

    @property
    def error(self) -> str:
        """Graph's error code."""
        return str(self.body["error"]["code"])


@dataclass
class Lab:
    """A world behind the simulator's service, at a time that stands still until it is moved."""

    scenario: Scenario = field(default_factory=scenario)

    def __post_init__(self) -> None:
        self.clock = SimClock(NOW, frozen=True)
        self.world = World(self.scenario, self.clock)
        self.journal = Journal()
        self.faults = FaultPlan(self.scenario.faults, seed=self.scenario.seed)
        self.service = Service(Context(self.world, _KEY, ORIGIN, self.journal, self.faults))

    @property
    def directory(self) -> DirectoryState:
        return self.world.directories[DIRECTORY_ID]

    def user(self, upn: str = UPN) -> Any:
        found = self.directory.find(upn)
        assert found is not None
        return found

    def send(self, request: Request) -> Answer:
        reply = self.service.handle(request).reply
        assert reply is not None, "the connection was cut"
        return Answer(reply.status, reply.headers, reply.body)

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.send(Request("GET", target, headers or {}))

    def token_request(self, tenant: str = DIRECTORY_ID, **fields: str | None) -> Request:
        """A token request; a field set to None is left out."""
        form = {"client_id": CLIENT_ID, "client_secret": SECRET, **fields}
        body = urlencode({name: value for name, value in form.items() if value is not None})
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Request("POST", f"/{quote(tenant)}/oauth2/v2.0/token", headers, body.encode())

    def sign_in(self, password: str = PASSWORD, username: str = UPN, **fields: str | None) -> Answer:
        form: dict[str, str | None] = {
            "grant_type": "password",
            "username": username,
            "password": password,
            "scope": "openid",
            **fields,
        }
        return self.send(self.token_request(**form))  # type: ignore[arg-type]

    def app_token(self, **fields: str | None) -> Answer:
        form: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "scope": f"{ORIGIN}/.default",
            **fields,
        }
        return self.send(self.token_request(**form))  # type: ignore[arg-type]

    def bearer(self) -> str:
        return str(self.app_token().body["access_token"])

    def post(self, target: str, body: object, *, token: str | None = None) -> Answer:
        """A JSON body sent to Graph."""
        return self.write("POST", target, body, token=token)

    def patch(self, target: str, body: object, *, token: str | None = None) -> Answer:
        return self.write("PATCH", target, body, token=token)

    def write(self, method: str, target: str, body: object = None, *, token: str | None = None) -> Answer:
        return self.send(self.graph_request(method, target, body, token=token))

    def graph_request(self, method: str, target: str, body: object, *, token: str | None = None) -> Request:
        """A request of Graph; no body when it is None."""
        sent = {"authorization": f"Bearer {token or self.bearer()}"}
        if body is None:
            return Request(method, f"/v1.0{target}", sent)
        sent["content-type"] = "application/json"
        return Request(method, f"/v1.0{target}", sent, json.dumps(body).encode())

    def graph(self, target: str, *, token: str | None = None, **headers: str) -> Answer:
        sent = {"authorization": f"Bearer {token or self.bearer()}", **headers}
        return self.get(f"/v1.0{target}", sent)


def lab(
    *,
    users: Iterable[UserScenario] | None = None,
    apps: Iterable[AppScenario] | None = None,
    faults: Iterable[FaultRule] = (),
    **directory_changes: Any,
) -> Lab:
    """A lab with one directory."""
    own = directory(**directory_changes)
    if users is not None:
        own = replace(own, users=tuple(users))
    if apps is not None:
        own = replace(own, apps=tuple(apps))
    return Lab(scenario(own, faults=tuple(faults)))


def many_users(count: int) -> tuple[UserScenario, ...]:
    return tuple(
        UserScenario(upn=f"user{n:04}@corp.example", mail=f"user{n:04}@corp.example") for n in range(count)
    )


def a_guid() -> str:
    return str(uuid.uuid4())
