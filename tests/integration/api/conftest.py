"""A caller of the API with a token of its own, and one role's view of a tenant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.test import Client

from emberwatch.accounts.actor import actor_for_user
from emberwatch.accounts.models import User
from emberwatch.accounts.services import create_api_token
from emberwatch.core.clock import utc_now
from emberwatch.tenants.models import Tenant
from tests.factories import make_user


@dataclass
class Caller:
    """Sends requests with a bearer token, as a program of a customer would."""

    client: Client
    user: User
    tenant: Tenant
    token: str

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        return self.client.generic(
            method,
            f"/api/v1{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"} | _named(headers),
        )

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def upload(self, data: bytes, name: str = "leak.txt", **fields: str) -> Any:
        return self.client.post(
            f"/api/v1{self.here('/imports')}",
            {"file": ContentFile(data, name), **fields},
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def here(self, path: str = "") -> str:
        return f"/tenants/{self.tenant.id}{path}"


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def caller_for(tenant: Tenant, role: str) -> Caller:
    user = make_user(tenant, role)
    _, text = create_api_token(user, tenant, "test", actor=actor_for_user(user), now=utc_now())
    return Caller(Client(), user, tenant, text.expose())
