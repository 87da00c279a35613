"""Keys, capabilities, health and requests over the API."""

from __future__ import annotations

from typing import Any

import pytest

from emberwatch.core.clock import utc_now
from emberwatch.directories.keys import file_in_base64
from emberwatch.directories.models import ConnectionKey
from emberwatch.simulator import CertificateScenario, SecretScenario
from tests.factories import connect, make_tenant
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.conftest import StartEntra
from tests.integration.directories.test_connection import app
from tests.unit.directories.keys import PASSWORD, make_keys
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

KEYS = make_keys(now=utc_now())
IDS = {"client_id": APP, "entra_tenant_id": DIRECTORY, "cloud": "custom"}
CERTIFICATE = {
    "certificate": file_in_base64(KEYS.pfx(PASSWORD)).expose(),
    "certificate_password": PASSWORD,
}


@pytest.fixture
def caller(start_entra: StartEntra) -> Caller:
    start_entra(
        apps=(
            app(
                secrets=(SecretScenario(value=SECRET),),
                certificates=(CertificateScenario(pem=KEYS.public_pem),),
                granted_roles=("Directory.Read.All", "Mail.Read"),
            ),
        )
    )
    return caller_for(make_tenant(), "admin")


def body(reply: Any, status: int = 200) -> dict[str, Any]:
    assert reply.status_code == status, reply.content
    assert SECRET not in reply.content.decode()
    assert "PRIVATE" not in reply.content.decode()
    assert PASSWORD not in reply.content.decode()
    found: dict[str, Any] = reply.json()
    return found


def test_a_certificate_connects(caller: Caller) -> None:
    saved = body(caller("PUT", caller.here("/directory"), IDS | CERTIFICATE))
    assert saved["status"] == "active"
    (key,) = saved["keys"]
    assert (key["kind"], key["thumbprint"], key["works"], key["in_use"]) == (
        "certificate",
        KEYS.thumbprint,
        True,
        True,
    )
    assert key["ends_at"]


def test_a_check_is_whole_for_a_program(caller: Caller) -> None:
    connect(caller.tenant, DIRECTORY, APP, SECRET)
    found = body(caller("POST", caller.here("/directory/check")))
    states = {row["name"]: row["state"] for row in found["capabilities"]}
    assert states["Accounts"] == "granted"
    assert states["Sign-in log"] == "missing"
    assert [row["permission"] for row in found["surplus_permissions"]] == ["Mail.Read"]
    assert found["clock_seconds"] == 0
    assert f"/{DIRECTORY}/adminconsent?client_id={APP}" in found["consent_link"]
    assert "/CallAnAPI/" in found["permissions_link"]
    assert "/Credentials/" in found["credentials_link"]
    assert {item["state"] for item in found["items"]} == {"ok", "warning"}
    shown = body(caller.get(caller.here("/directory")))
    assert shown["capabilities"] == found["capabilities"]


def test_a_key_is_added_and_the_old_one_removed(caller: Caller) -> None:
    connect(caller.tenant, DIRECTORY, APP, SECRET)
    old = ConnectionKey.objects.get()
    added = body(caller("POST", caller.here("/directory/keys"), CERTIFICATE), 201)
    assert [key["kind"] for key in added["keys"]] == ["certificate", "secret"]
    assert [key["in_use"] for key in added["keys"]] == [True, False]
    assert body(caller("POST", caller.here("/directory/keys"), CERTIFICATE), 409)["detail"]
    left = body(caller("DELETE", caller.here(f"/directory/keys/{old.id}")))
    assert [key["kind"] for key in left["keys"]] == ["certificate"]
    last = left["keys"][0]["id"]
    body(caller("DELETE", caller.here(f"/directory/keys/{last}")), 409)
    body(caller("DELETE", caller.here(f"/directory/keys/{old.id}")), 404)
    body(caller("DELETE", caller.here("/directory/keys/no-id")), 404)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"client_secret": APP},
        {"certificate": "!"},
        {"certificate": CERTIFICATE["certificate"], "certificate_password": "another"},
        {"client_secret": "Zx8Q~value", "certificate": CERTIFICATE["certificate"]},
        {"federated": True},
        {"unknown": 1},
        {"certificate": "A" * 200_000},
    ],
)
def test_what_cannot_be_a_key_is_refused(caller: Caller, wanted: dict[str, object]) -> None:
    connect(caller.tenant, DIRECTORY, APP, SECRET)
    reply = caller("POST", caller.here("/directory/keys"), wanted)
    assert reply.status_code in (400, 413, 422), reply.content
    assert ConnectionKey.objects.count() == 1
    body(caller("POST", caller.here("/directory/keys"), CERTIFICATE), 201)


def test_health_and_requests(caller: Caller) -> None:
    connect(caller.tenant, DIRECTORY, APP, SECRET)
    health = body(caller.get(caller.here("/directory/health")))
    assert (health["status"], health["attempts"]["sent"], health["attempts"]["allowed_per_account"]) == (
        "active",
        0,
        2,
    )
    assert (health["sync_state"], health["last_sync_at"]) == ("idle", None)
    assert health["counts"] == {
        "accounts": 0,
        "credentials": 0,
        "verified_domains": 2,
        "federated_domains": 1,
    }
    assert health["calls"]["total"] == health["calls"]["answered"] + health["calls"]["refused"] > 10

    first = body(caller.get(caller.here("/directory/calls?limit=5")))
    assert len(first["items"]) == 5
    second = body(caller.get(caller.here(f"/directory/calls?limit=200&cursor={first['next_cursor']}")))
    assert second["next_cursor"] is None
    assert len(second["items"]) + 5 == health["calls"]["total"]
    graph = body(caller.get(caller.here("/directory/calls?service=graph&limit=200")))["items"]
    assert {row["service"] for row in graph} == {"graph"}
    assert caller.get(caller.here("/directory/calls?cursor=x")).status_code == 422
    other = caller_for(make_tenant(), "admin")
    assert other.get(caller.here("/directory/calls")).status_code == 404
