"""Who may enter: a bearer token that is known, fresh and not revoked, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from emberwatch.accounts.actor import actor_for_user
from emberwatch.accounts.models import ApiToken, Role
from emberwatch.accounts.services import create_api_token, revoke_api_token
from emberwatch.core.clock import utc_now
from emberwatch.tenants.models import Membership
from tests.factories import make_tenant, make_user
from tests.integration.api.conftest import Caller, caller_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return caller_for(make_tenant(), Role.VIEWER)


def assert_refused(caller: Caller) -> None:
    answer = caller.get("/tenants")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_a_good_token_is_let_in(caller: Caller) -> None:
    answer = caller.get("/tenants")
    assert answer.status_code == 200
    assert [found["id"] for found in answer.json()["items"]] == [str(caller.tenant.id)]


def test_a_revoked_token_is_refused(caller: Caller) -> None:
    assert caller.get("/tenants").status_code == 200
    token = ApiToken.objects.get()
    revoke_api_token(caller.user, token.id, actor=actor_for_user(caller.user), now=utc_now())
    assert_refused(caller)


def test_an_expired_token_is_refused(caller: Caller) -> None:
    _, text = create_api_token(
        caller.user,
        caller.tenant,
        "old",
        actor=actor_for_user(caller.user),
        now=utc_now() - timedelta(days=2),
        life=timedelta(days=1),
    )
    caller.token = text.expose()
    assert_refused(caller)


def test_a_person_who_was_switched_off_is_refused(caller: Caller) -> None:
    caller.user.is_active = False
    caller.user.save()
    assert_refused(caller)


@pytest.mark.parametrize("token", ["", "ember_", "ember_unknown", "é\x00", "x" * 5000])
def test_an_unknown_token_is_refused(caller: Caller, token: str) -> None:
    caller.token = token
    assert_refused(caller)


def test_a_session_opens_nothing(caller: Caller) -> None:
    browser = Client()
    browser.force_login(caller.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.get("/api/v1/tenants").status_code == 401


def test_no_cross_site_token_is_asked_for() -> None:
    tenant = make_tenant()
    strict = caller_for(tenant, Role.ADMIN)
    strict.client = Client(enforce_csrf_checks=True)
    assert strict("POST", strict.here("/directory/check")).status_code == 404


def test_who_leaves_a_tenant_sees_it_no_more(caller: Caller) -> None:
    assert caller.get(caller.here()).status_code == 200
    Membership.objects.all().delete()
    assert caller.get(caller.here()).status_code == 404
    assert caller.get("/tenants").json()["items"] == []


def test_a_token_of_an_organisation_admin_stays_in_its_tenant() -> None:
    mine, other = make_tenant(), make_tenant()
    admin = make_user(organisation_admin=True)
    _, text = create_api_token(admin, mine, "one", actor=actor_for_user(admin), now=utc_now())
    caller = Caller(Client(), admin, mine, text.expose())
    assert caller.get(f"/tenants/{mine.id}").status_code == 200
    assert caller.get(f"/tenants/{other.id}").status_code == 404
