"""A tenant with something in it, and people of each role who look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from emberwatch.accounts.models import User
from emberwatch.tenants.models import Tenant
from tests.factories import make_tenant, make_user

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HTMX = {"HX-Request": "true"}

Visit = Callable[..., Client]


def client_of(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user, backend=BACKEND)
    return client


def page(client: Client, address: str, **headers: str) -> str:
    reply = client.get(address, headers=headers or None)
    assert reply.status_code == 200, (address, reply.status_code)
    return reply.content.decode()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """People are made by the dozen here; what guards their passwords is Django's own."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def tenant(db: None) -> Tenant:
    return make_tenant(name="Contoso")


@pytest.fixture
def visit(tenant: Tenant) -> Visit:
    """A browser of somebody with a role in the tenant; ``stranger`` has none, ``organisation`` all."""

    def of(role: str, **options: Any) -> Client:
        if role == "stranger":
            return client_of(make_user(make_tenant(), "admin"), **options)
        if role == "organisation":
            return client_of(make_user(organisation_admin=True), **options)
        return client_of(make_user(tenant, role), **options)

    return of


@pytest.fixture(autouse=True)
def _no_workers(db: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
