"""A Graph that answers as a test says, and writes down what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx

from emberwatch.core.secret import Secret
from emberwatch.directories.base import AppKey, ClientSecret, ConnectionSettings
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.http.client import DryRunRefused
from tests.world import APP, DIRECTORY, SECRET

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LOGIN = "https://login.example"
GRAPH = "https://graph.example"
ALL_ROLES = ("AuditLog.Read.All", "Directory.Read.All", "IdentityRiskEvent.Read.All")


@dataclass(frozen=True, slots=True)
class Asked:
    """One GET, alone or as a part of a batch."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    status: int = 200
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Answers: TypeAlias = Callable[[Asked], Told | None]
"""``None`` leaves a part of a batch without an answer."""


def collection(*items: Mapping[str, Any], next_link: str = "") -> Told:
    link = {"@odata.nextLink": next_link} if next_link else {}
    return Told(200, {"value": list(items), **link}, {"request-id": "from-graph"})


def refusal(status: int, code: str, message: str = "", **headers: str) -> Told:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Told(status, {"error": {"code": code, "message": message}}, named)


@dataclass
class Desk:
    answers: Answers
    batch: Told | None = None
    """What the batch's own address answers, when it refuses."""
    roles: tuple[str, ...] = ALL_ROLES
    token: Told | None = None
    sign_in: Told = field(default_factory=Told)
    now: datetime = NOW
    dry_run: bool = False
    asked: list[Asked] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def directory(
        self, *keys: AppKey, on_request: Callable[[httpx.Request], None] = lambda _: None
    ) -> EntraDirectory:
        cloud = Cloud("test", "Test", LOGIN, GRAPH, "https://portal.example")
        held = keys or (AppKey(ClientSecret(Secret(SECRET))),)
        settings = ConnectionSettings("test", UUID(DIRECTORY), UUID(APP), held)

        def handle(request: httpx.Request) -> httpx.Response:
            on_request(request)
            return self._handle(request)

        client = httpx.Client(transport=httpx.MockTransport(handle), trust_env=False)
        return EntraDirectory(cloud, settings, client, lambda: self.now)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.example":
            return self._login(request)
        target = request.url.raw_path.decode().removeprefix("/v1.0")
        if self.dry_run and request.method != "GET":
            raise DryRunRefused("dry run", request=request)
        if target == "/$batch":
            return self._batch(json.loads(request.content))
        return _response(self._answer(target, request.headers) or Told(500))

    def _login(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/openid-configuration"):
            base = f"{LOGIN}/{DIRECTORY}"
            found = {"token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": base}
            return httpx.Response(200, json={**found, "issuer": f"{base}/v2.0"})
        if b"grant_type=password" in request.content:
            return _response(self.sign_in)
        return _response(self.token or Told(200, {"access_token": self._jwt(), "expires_in": 3600}))

    def _jwt(self) -> str:
        import jwt

        return jwt.encode({"roles": list(self.roles)}, "a key of the tests, thirty-two bytes", "HS256")

    def _batch(self, body: Mapping[str, Any]) -> httpx.Response:
        self.batches.append(len(body["requests"]))
        if self.batch is not None:
            return _response(self.batch)
        parts = []
        # The order of the answers is not that of the questions.
        for item in reversed(body["requests"]):
            told = self._answer(item["url"], item.get("headers", {}))
            if told is not None:
                parts.append(
                    {
                        "id": item["id"],
                        "status": told.status,
                        "headers": dict(told.headers),
                        "body": told.body,
                    }
                )
        return httpx.Response(200, json={"responses": parts}, headers={"request-id": "from-batch"})

    def _answer(self, target: str, headers: Mapping[str, str]) -> Told | None:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        asked = Asked(parts.path, query, {name.lower(): value for name, value in headers.items()})
        self.asked.append(asked)
        return self.answers(asked)


def _response(told: Told) -> httpx.Response:
    return httpx.Response(told.status, json=dict(told.body), headers=dict(told.headers))
