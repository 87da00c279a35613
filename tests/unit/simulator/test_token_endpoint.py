from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import jwt
import pytest

from emberwatch.simulator import Cloud, DomainScenario, SecretScenario
from emberwatch.simulator.messages import Request
from tests.unit.simulator.worlds import (
    CLIENT_ID,
    DIRECTORY_ID,
    NOW,
    ORIGIN,
    OTHER_ID,
    PASSWORD,
    SECRET,
    UPN,
    Lab,
    a_guid,
    app,
    directory,
    lab,
    scenario,
)

EXPIRED = SecretScenario(value="expired-secret", expires=NOW - timedelta(days=1))
LIVE = SecretScenario(value="live-secret", key_id=a_guid(), expires=NOW + timedelta(days=1))


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_an_app_token_carries_the_granted_roles() -> None:
    answer = lab(apps=[app(granted_roles=("Directory.Read.All", "AuditLog.Read.All"))]).app_token()
    assert answer.status == 200
    assert answer.body["expires_in"] == 3599
    claims = claims_of(answer.body["access_token"])
    assert claims["roles"] == ["Directory.Read.All", "AuditLog.Read.All"]
    assert (claims["aud"], claims["tid"], claims["appid"]) == (ORIGIN, DIRECTORY_ID, CLIENT_ID)
    assert claims["exp"] - int(NOW.timestamp()) == 3599


def test_without_consent_there_is_a_token_but_no_roles_claim() -> None:
    claims = claims_of(lab(apps=[app(granted_roles=())]).app_token().body["access_token"])
    assert "roles" not in claims


def test_the_published_key_verifies_the_token() -> None:
    world = lab()
    keys = jwt.PyJWKSet.from_dict(world.get(f"/{DIRECTORY_ID}/discovery/v2.0/keys").body)
    token = world.bearer()
    key = keys[jwt.get_unverified_header(token)["kid"]]
    untimed: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    assert (
        jwt.decode(token, key, algorithms=["RS256"], audience=ORIGIN, options=untimed)["tid"] == DIRECTORY_ID
    )


# (name, app changes, request changes, code, HTTP status, error)
FAULTS: list[tuple[str, dict[str, Any], dict[str, Any], int, int, str]] = [
    ("wrong secret", {}, {"client_secret": "wrong"}, 7000215, 401, "invalid_client"),
    (
        "the secret's id instead of its value",
        {"secrets": (LIVE,)},
        {"client_secret": LIVE.key_id},
        7000215,
        401,
        "invalid_client",
    ),
    (
        "expired secret",
        {"secrets": (EXPIRED,)},
        {"client_secret": EXPIRED.value},
        7000222,
        401,
        "invalid_client",
    ),
    (
        "an expired secret beside a live one",
        {"secrets": (EXPIRED, LIVE)},
        {"client_secret": LIVE.value},
        0,
        200,
        "",
    ),
    ("no secret", {}, {"client_secret": None}, 7000216, 401, "invalid_client"),
    (
        "no secret for the password grant",
        {},
        {"client_secret": None, "grant_type": "password"},
        7000218,
        401,
        "invalid_client",
    ),
    ("public client with a secret", {"public_client": True}, {}, 700025, 401, "invalid_client"),
    ("unknown app", {}, {"client_id": a_guid()}, 700016, 400, "unauthorized_client"),
    ("not an app id", {}, {"client_id": "contoso"}, 700038, 400, "unauthorized_client"),
    (
        "all zeros",
        {},
        {"client_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12},
        700038,
        400,
        "unauthorized_client",
    ),
    ("disabled app", {"disabled": True}, {}, 7000112, 400, "unauthorized_client"),
    ("unknown directory", {}, {"tenant": OTHER_ID}, 90002, 400, "invalid_request"),
    ("unverified domain as directory", {}, {"tenant": "new.example"}, 90002, 400, "invalid_request"),
    ("domain as directory", {}, {"tenant": "corp.example"}, 0, 200, ""),
    ("common", {}, {"tenant": "common"}, 50194, 400, "invalid_request"),
    (
        "common for a password",
        {},
        {"tenant": "common", "grant_type": "password"},
        9001023,
        400,
        "invalid_request",
    ),
    (
        "consumers for a password",
        {},
        {"tenant": "consumers", "grant_type": "password"},
        9001023,
        400,
        "invalid_request",
    ),
    (
        "organizations for a password",
        {},
        {"tenant": "organizations", "grant_type": "password"},
        50194,
        400,
        "invalid_request",
    ),
    ("resource", {}, {"resource": ORIGIN}, 901002, 400, "invalid_request"),
    ("no grant type", {}, {"grant_type": None}, 900144, 400, "invalid_request"),
    ("no client id", {}, {"client_id": None}, 900144, 400, "invalid_request"),
    ("no scope", {}, {"scope": None}, 900144, 400, "invalid_request"),
    ("no user name", {}, {"grant_type": "password", "username": None}, 90014, 400, "invalid_request"),
    ("no password", {}, {"grant_type": "password", "password": ""}, 90014, 400, "invalid_request"),
    ("unknown grant", {}, {"grant_type": "device"}, 70003, 400, "unsupported_grant_type"),
    ("scope without .default", {}, {"scope": f"{ORIGIN}/User.Read"}, 1002012, 400, "invalid_scope"),
    ("two scopes", {}, {"scope": f"{ORIGIN}/.default openid"}, 1002012, 400, "invalid_scope"),
    (
        "another resource",
        {},
        {"scope": "https://elsewhere.example/.default"},
        500011,
        400,
        "invalid_resource",
    ),
    ("Graph by its public name", {}, {"scope": "https://graph.microsoft.com/.default"}, 0, 200, ""),
    (
        "malformed delegated scope",
        {},
        {"grant_type": "password", "scope": "open*id"},
        70011,
        400,
        "invalid_scope",
    ),
    ("blocked app", {"token_answer": 53003}, {}, 53003, 400, "invalid_grant"),
    ("any scripted code", {"token_answer": 7000116}, {}, 7000116, 400, "invalid_grant"),
]


@pytest.mark.parametrize(
    ("app_changes", "changes", "code", "status", "error"),
    [row[1:] for row in FAULTS],
    ids=[row[0] for row in FAULTS],
)
def test_configuration_faults(
    app_changes: dict[str, Any], changes: dict[str, Any], code: int, status: int, error: str
) -> None:
    world = lab(apps=[app(**app_changes)])
    form = {"grant_type": "client_credentials", "scope": f"{ORIGIN}/.default", **changes}
    if form["grant_type"] == "password":
        form = {"username": UPN, "password": PASSWORD, **form, "scope": changes.get("scope", "openid")}
    answer = world.send(world.token_request(**form))
    assert (answer.code, answer.status, answer.body.get("error", "")) == (code, status, error)


def test_a_public_client_signs_users_in_without_a_secret() -> None:
    assert lab(apps=[app(public_client=True, secrets=())]).sign_in(client_secret=None).code == 0


@pytest.mark.parametrize("code", [90038, 900432])
def test_a_directory_of_another_cloud(code: int) -> None:
    foreign = directory(cloud=Cloud.USGOV, other_cloud_answer=code)
    assert Lab(scenario(foreign)).app_token().code == code
    assert Lab(scenario(foreign, cloud=Cloud.USGOV)).app_token().code == 0


def test_the_shape_of_a_refusal() -> None:
    world = lab()
    asked = a_guid()
    request = world.token_request(grant_type="client_credentials", scope="x/.default", client_secret="wrong")
    headers = {**request.headers, "client-request-id": asked, "return-client-request-id": "true"}
    answer = world.send(Request("POST", request.target, headers, request.body))
    body = answer.body
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }
    assert body["timestamp"] == "2026-05-04 12:00:00Z"
    assert body["correlation_id"] == asked == answer.headers["client-request-id"]
    assert body["trace_id"] == answer.headers["x-ms-request-id"] != asked
    assert body["error_description"].startswith("AADSTS7000215: ")
    assert body["error_description"].endswith(
        f" Trace ID: {body['trace_id']} Correlation ID: {asked} Timestamp: 2026-05-04 12:00:00Z"
    )
    assert answer.headers["x-ms-clitelem"] == "1,7000215,0,,"


def test_a_client_request_id_that_is_no_guid_is_not_echoed() -> None:
    world = lab()
    request = world.token_request(grant_type="device")
    headers = {**request.headers, "client-request-id": "<script>"}
    body = world.send(Request("POST", request.target, headers, request.body)).body
    assert body["correlation_id"] == body["trace_id"]


def test_a_get_is_told_that_only_post_works() -> None:
    assert lab().get(f"/{DIRECTORY_ID}/oauth2/v2.0/token").code == 900561


@pytest.mark.parametrize("name", [DIRECTORY_ID, "corp.example", "CORP.example"])
@pytest.mark.parametrize("version", ["", "/v2.0"])
def test_discovery(name: str, version: str) -> None:
    document = lab().get(f"/{name}{version}/.well-known/openid-configuration").body
    assert document["token_endpoint"] == f"{ORIGIN}/{DIRECTORY_ID}/oauth2/v2.0/token"
    assert document["jwks_uri"].startswith(f"{ORIGIN}/{DIRECTORY_ID}/discovery/")


def test_discovery_of_an_unknown_directory() -> None:
    answer = lab().get("/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (answer.status, answer.code, answer.body["error"]) == (400, 90002, "invalid_tenant")


def test_instance_discovery_names_this_server() -> None:
    asked = f"{ORIGIN}/{DIRECTORY_ID}/oauth2/v2.0/authorize"
    document = lab().get(f"/common/discovery/instance?api-version=1.1&authorization_endpoint={asked}").body
    assert document["tenant_discovery_endpoint"].startswith(f"{ORIGIN}/{DIRECTORY_ID}/")
    assert lab().get("/common/discovery/instance").body["error"] == "invalid_instance"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ann@corp.example", "Managed"), ("fred@fed.example", "Federated"), ("x@nowhere.example", "Unknown")],
)
def test_user_realm(name: str, kind: str) -> None:
    assert lab().get(f"/common/userrealm/{name}?api-version=1.0").body["account_type"] == kind


def test_apps_of_one_directory_are_unknown_in_another() -> None:
    other = directory(id=OTHER_ID, domains=(DomainScenario(name="other.example"),), apps=(), users=())
    world = Lab(scenario(directory(), other))
    assert world.app_token(tenant=OTHER_ID).code == 700016
    assert world.app_token(tenant=DIRECTORY_ID).code == 0


def test_no_secret_and_no_password_stays_in_the_server() -> None:
    world = lab()
    world.sign_in()
    world.sign_in("Wrong-but-telling")
    world.app_token()
    users, apps = world.directory.users.values(), world.directory.apps.values()
    held = [asdict(user.scenario) for user in users] + [asdict(app.scenario) for app in apps]
    kept = repr((world.journal.entries(), list(users), list(apps), held))
    assert UPN in kept
    for plain in (SECRET, PASSWORD, "Wrong-but-telling"):
        assert plain not in kept


def test_an_app_may_get_short_tokens() -> None:
    world = lab(apps=[app(token_seconds=300)])
    answer = world.app_token()
    assert answer.body["expires_in"] == 300
    token = str(answer.body["access_token"])
    assert world.graph("/users", token=token).status == 200
    world.clock.advance(300)
    assert world.graph("/users", token=token).error == "InvalidAuthenticationToken"


def test_every_reply_tells_the_time_of_the_service() -> None:
    world = lab()
    for answer in (world.app_token(), world.graph("/users"), world.get("/nothing")):
        assert answer.headers["Date"] == "Mon, 04 May 2026 12:00:00 GMT"
