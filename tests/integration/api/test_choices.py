"""Validation choices, the protected list, the SOC's texts and the kill switch over the API."""

from __future__ import annotations

import pytest
from django.test import Client

from emberwatch.accounts.actor import SYSTEM, actor_for_user
from emberwatch.accounts.services import create_api_token
from emberwatch.core.clock import utc_now
from emberwatch.tenants.models import Tenant
from emberwatch.validation.choices import kill_switch
from emberwatch.validation.operating import protect
from tests.factories import make_tenant, make_user
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.validation.test_operating import connected

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return connected().tenant


def organisation_caller(tenant: Tenant) -> Caller:
    user = make_user(organisation_admin=True)
    _, text = create_api_token(user, tenant, "test", actor=actor_for_user(user), now=utc_now())
    return Caller(Client(), user, tenant, text.expose())


def test_choices_are_replaced_as_a_whole(tenant: Tenant) -> None:
    caller = caller_for(tenant, "admin")
    path = caller.here("/directory/choices")
    before = caller.get(path).json()
    assert (before["pace"], before["updated_at"], before["automatic_mode"]) == (1.0, None, "off")
    wanted = {"pace": 6, "hours_from": "22:00", "hours_until": "06:00", "egress_addresses": ["203.0.113.7"]}
    saved = caller("PUT", path, wanted).json()
    assert (saved["pace"], saved["hours_from"], saved["egress_addresses"]) == (6.0, "22:00", ["203.0.113.7"])
    assert "may look like an attack" in saved["warnings"][0]
    assert caller("PUT", path, {}).json()["hours_from"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"failed_attempts_allowed": 3}, "failed_attempts_allowed"),
        ({"pace": 51}, "pace"),
        ({"hours_from": "22:00"}, "hours_until"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"egress_addresses": ["0.0.0.0/0"]}, "egress_addresses"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_at_its_field(
    tenant: Tenant, body: dict[str, object], field: str
) -> None:
    caller = caller_for(tenant, "admin")
    reply = caller("PUT", caller.here("/directory/choices"), body)
    assert (reply.status_code, reply.json()["field"]) == (422, field)
    assert caller.get(caller.here("/directory/choices")).json()["updated_at"] is None


def test_the_list_is_kept_over_the_api(tenant: Tenant) -> None:
    caller = caller_for(tenant, "admin")
    path = caller.here("/directory/protected")
    made = caller("POST", path, {"kind": "account", "value": "CEO@contoso.example", "note": "board"})
    assert made.status_code == 201
    (listed,) = caller.get(path).json()["items"]
    assert listed == made.json()
    assert listed["value"] == "ceo@contoso.example"
    gone = caller("DELETE", f"{path}/{listed['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert caller("DELETE", f"{path}/{listed['id']}").status_code == 404


def test_an_entry_of_another_tenant_is_not_there(tenant: Tenant) -> None:
    theirs = connected().tenant
    entry = protect(theirs, "account", "ceo@contoso.example", actor=SYSTEM, now=utc_now())
    mine, them = caller_for(tenant, "admin"), caller_for(theirs, "admin")
    assert mine("DELETE", mine.here(f"/directory/protected/{entry.id}")).status_code == 404
    assert mine.get(mine.here("/directory/protected")).json()["items"] == []
    assert them("DELETE", them.here(f"/directory/protected/{entry.id}")).status_code == 204


def test_the_soc_gets_its_texts(tenant: Tenant) -> None:
    caller = caller_for(tenant, "viewer")
    found = caller.get(caller.here("/directory/soc?days=1")).json()
    assert found["days"] == 1
    assert {each["language"] for each in found["texts"]} == {"kql", "sigma"}
    assert all(found["client_id"] in each["text"] for each in found["texts"])
    assert caller.get(caller.here("/directory/soc?days=0")).status_code == 422


def test_without_a_connection_there_is_nothing_to_choose() -> None:
    caller = caller_for(make_tenant(), "admin")
    for name in ("choices", "protected", "activity", "soc"):
        assert caller.get(caller.here(f"/directory/{name}")).status_code == 404


def test_the_kill_switch(tenant: Tenant) -> None:
    member, admin = caller_for(tenant, "admin"), organisation_caller(tenant)
    assert member("POST", "/kill-switch", {"reason": "x"}).status_code == 403
    assert admin("POST", "/kill-switch", {"reason": ""}).status_code == 422
    stopped = admin("POST", "/kill-switch", {"reason": "an alert"})
    assert (stopped.status_code, stopped.json()["is_on"]) == (201, True)
    assert admin("POST", "/kill-switch", {"reason": "again"}).status_code == 409
    assert member.get("/kill-switch").json()["reason"] == "an alert"
    assert member("DELETE", "/kill-switch").status_code == 403
    assert kill_switch() is not None
    assert admin("DELETE", "/kill-switch").json()["is_on"] is False
    assert admin("DELETE", "/kill-switch").status_code == 409
