"""Every Graph reply of the simulator has the names, types and formats that Microsoft's metadata gives."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from emberwatch.simulator import CertificateScenario, SecretScenario, sign_in_as_others, stable_id
from emberwatch.simulator.graph_routes import ROUTES
from emberwatch.simulator.permissions import GRAPH_APP_ID
from emberwatch.simulator.user_properties import USER_PROPERTIES
from tests.contract.simulator.credentials import Keys
from tests.unit.simulator.samples import PATHS, WRITES, sample_world
from tests.unit.simulator.worlds import NOW, ORIGIN, PASSWORD, SECRET, UPN, Lab, app, lab

CERTIFICATE = Keys.make().public_pem
SCHEMAS: Mapping[str, Any] = json.loads((Path(__file__).parent / "graph_schemas.json").read_text())
FORMATS = FormatChecker(formats=())
ALL_PROPERTIES = ",".join(sorted(USER_PROPERTIES))
TRACKED = ",".join(sorted(USER_PROPERTIES - {"signInActivity"}))
ADVANCED = {"consistencylevel": "eventual"}


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    if isinstance(value, str):
        datetime.fromisoformat(value)
        return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) is not None
    return True


@FORMATS.checks("uuid", raises=ValueError)
def is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value


@FORMATS.checks("uri")
def is_uri(value: object) -> bool:
    return not isinstance(value, str) or value.startswith("https://")


def validate(name: str, instance: object) -> None:
    schema = {**SCHEMAS, "$ref": f"#/$defs/{name}"}
    Draft202012Validator(schema, format_checker=FORMATS).validate(instance)


def busy_world() -> Lab:
    roles = (
        "Directory.Read.All",
        "AuditLog.Read.All",
        "IdentityRiskEvent.Read.All",
        "IdentityRiskyUser.Read.All",
        "Application.Read.All",
    )
    keys = (SecretScenario(value=SECRET, expires=NOW + timedelta(days=9), display_name="first"),)
    world = sample_world(
        roles, app={"secrets": keys, "certificates": (CertificateScenario(pem=CERTIFICATE),)}
    )
    for password in ("wrong", PASSWORD):
        world.sign_in(password)
        sign_in_as_others(world.directory, UPN, password)
    return world


SHAPES: Mapping[str, str] = {
    "users": "user",
    "users delta": "user",
    "groups delta": "group",
    "user": "user",
    "deleted users": "user",
    "deleted user": "user",
    "manager": "user",
    "licences": "licenseDetails",
    "applications of user": "appRoleAssignment",
    "member of": "member",
    "groups": "group",
    "group": "group",
    "group members": "member",
    "group people": "user",
    "applications of group": "appRoleAssignment",
    "roles": "directoryRole",
    "role members": "member",
    "role assignments": "unifiedRoleAssignment",
    "role definitions": "unifiedRoleDefinition",
    "domains": "domain",
    "domain": "domain",
    "organization": "organization",
    "organization by id": "organization",
    "licences bought": "subscribedSku",
    "applications": "application",
    "application": "application",
    "federated credentials": "federatedIdentityCredential",
    "service principals": "servicePrincipal",
    "service principal": "servicePrincipal",
    "permissions": "appRoleAssignment",
    "assigned": "appRoleAssignment",
    "delegated of principal": "oAuth2PermissionGrant",
    "delegated": "oAuth2PermissionGrant",
    "group settings": "groupSetting",
    "risk detections": "riskDetection",
    "risk detection": "riskDetection",
    "risky users": "riskyUser",
    "risky user": "riskyUser",
    "sign-ins": "signIn",
    "sign-in": "signIn",
    "registrations": "userRegistrationDetails",
    "registration": "userRegistrationDetails",
}
"""What each route answers with; collections hold such objects in "value"."""

WRITTEN: Mapping[str, tuple[str, int, str]] = {
    "revoke sessions": ("", 200, "done"),
    "change account": ("userUpdate", 204, ""),
    "confirm compromised": ("userIds", 204, ""),
    "dismiss risk": ("userIds", 204, ""),
    "add member": ("reference", 204, ""),
    "remove member": ("", 204, ""),
}
"""What each route that writes is sent, and what it answers: status and shape; nothing where none is named."""

MORE: list[tuple[str, str]] = [
    (f"/users?$select={ALL_PROPERTIES}&$count=true&$top=2", "user"),
    (f"/users/{UPN}?$select={ALL_PROPERTIES}", "user"),
    (f"/users/delta?$select={TRACKED},manager", "user"),
    (f"/users/{UPN}/manager?$select={TRACKED}", "user"),
    (f"/directory/deletedItems/microsoft.graph.user?$select={ALL_PROPERTIES}", "user"),
    ("/domains/fed.example", "domain"),
    (f"/servicePrincipals(appId='{GRAPH_APP_ID}')", "servicePrincipal"),
]


def objects(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "value" not in body:
        yield body
        return
    validate("collection", body)
    yield from body["value"]


def check_row(schema: str, row: dict[str, Any]) -> None:
    """An object, or what a delta query says in its place and about its relationships."""
    links = [link for name in list(row) if name.endswith("@delta") for link in row.pop(name)]
    validate("removed" if "@removed" in row else schema, row)
    for link in links:
        validate("removed" if "@removed" in link else "link", link)


@pytest.mark.parametrize(
    ("path", "schema"), [*((PATHS[route], schema) for route, schema in SHAPES.items()), *MORE]
)
def test_replies_have_the_published_shape(path: str, schema: str) -> None:
    answer = busy_world().graph(path, **ADVANCED)
    assert answer.status == 200
    rows = list(objects(answer.body))
    assert rows
    for row in rows:
        check_row(schema, row)


def test_rounds_of_changes_have_the_published_shape() -> None:
    world = busy_world()
    links = [
        world.graph(f"/{path}?$select=id,{link}").body["@odata.deltaLink"]
        for path, link in (("users/delta", "manager"), ("groups/delta", "members"))
    ]
    world.directory.change_user("user0001@corp.example", manager="user0002@corp.example")
    world.directory.change_user(UPN, manager=None)
    world.directory.change_user("user0001@corp.example", manager=UPN)
    world.directory.change_user("user0002@corp.example", deleted=NOW)
    world.directory.memberships.part(stable_id("group Inner"), stable_id(UPN))
    told = [row for link in links for row in objects(world.graph(link.removeprefix(f"{ORIGIN}/v1.0")).body)]
    assert len(told) == 4
    for row in told:
        check_row("group" if "members@delta" in row else "user", row)


def test_a_token_that_ended_is_refused_in_the_published_shape() -> None:
    world = busy_world()
    link = world.graph("/users/delta").body["@odata.deltaLink"].removeprefix(f"{ORIGIN}/v1.0")
    world.directory.reset_delta()
    refused = world.graph(link)
    assert refused.headers["Location"].startswith("https://")
    validate("error", refused.body)


def test_every_route_that_answers_with_json_is_checked_here() -> None:
    assert {route.name for route in ROUTES} - {"users.count", "batch"} == SHAPES.keys() | WRITTEN.keys()


WRITERS = (
    "Directory.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "IdentityRiskyUser.ReadWrite.All",
    "User-PasswordProfile.ReadWrite.All",
)


@pytest.mark.parametrize("name", WRITTEN)
def test_writes_take_and_give_the_published_shape(name: str) -> None:
    sent, status, shape = WRITTEN[name]
    method, path, body = WRITES[name]
    if sent:
        validate(sent, body)
    world = sample_world(WRITERS)
    answer = world.write(method, path, body)
    assert (answer.status, answer.raw != b"") == (status, shape != "")
    if shape:
        validate(shape, answer.body)
    for row in objects(world.graph(f"/users?$select={ALL_PROPERTIES.replace('signInActivity,', '')}").body):
        validate("user", row)
    refused = world.write(method, path, "no object")
    if refused.status >= 400:
        validate("error", refused.body)


def test_the_flags_of_a_password_have_the_published_shape() -> None:
    world = sample_world(WRITERS)
    path = "/users/user0001@corp.example"
    body = {"passwordProfile": {"password": "Other-Horse-2", "forceChangePasswordNextSignIn": True}}
    validate("userUpdate", body)
    assert world.patch(path, body).status == 204
    shown = world.graph(f"{path}?$select=id,passwordProfile").body
    assert shown["passwordProfile"]["forceChangePasswordNextSignIn"] is True
    validate("user", shown)


@pytest.mark.parametrize(
    "path",
    ["/users?$top=1000", "/users/nobody@corp.example", "/nowhere", "/users?$select=x", "/users?$filter=x"],
)
def test_refusals_have_the_published_shape(path: str) -> None:
    answer = busy_world().graph(path)
    assert answer.status >= 400
    validate("error", answer.body)


def test_refusals_for_want_of_a_token_or_a_permission_do_too() -> None:
    world = lab(apps=[app(granted_roles=())])
    for answer, status in ((world.get("/v1.0/users"), 401), (world.graph("/users"), 403)):
        assert answer.status == status
        validate("error", answer.body)


@pytest.mark.parametrize(
    ("schema", "path", "name", "value"),
    [
        ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "accountEnabled", "true"),
        ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "createdDateTime", "2026-01-02 03:04:05"),
        ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "id", None),
        ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "otherMails", None),
        ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "shoeSize", 42),
        ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "assignedLicenses", [{"skuId": "not a GUID"}]),
        ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "signInActivity", {"lastSignInDateTime": 1}),
        ("domain", "/domains/corp.example", "isVerified", None),
        ("domain", "/domains/corp.example", "passwordValidityPeriodInDays", "90"),
        ("organization", "/organization", "verifiedDomains", [{"isDefault": "yes"}]),
        ("groupSetting", "/groupSettings", "values", [{"name": "LockoutThreshold", "value": 5}]),
        ("riskDetection", "/identityProtection/riskDetections", "riskLevel", "dreadful"),
        ("riskDetection", "/identityProtection/riskDetections", "detectedDateTime", "yesterday"),
        ("signIn", "/auditLogs/signIns", "status", {"errorCode": "50126"}),
        ("signIn", "/auditLogs/signIns", "userId", None),
        ("application", "/applications", "passwordCredentials", [{"endDateTime": "soon"}]),
        ("application", "/applications", "keyCredentials", [{"keyId": "1"}]),
        ("servicePrincipal", "/servicePrincipals", "appRoleAssignmentRequired", "yes"),
        ("appRoleAssignment", f"/users/{UPN}/appRoleAssignments", "principalType", "Person"),
        ("riskyUser", "/identityProtection/riskyUsers", "riskLevel", "dreadful"),
        ("userRegistrationDetails", PATHS["registrations"], "isMfaRegistered", None),
        ("subscribedSku", "/subscribedSkus", "consumedUnits", "3"),
        ("licenseDetails", f"/users/{UPN}/licenseDetails", "skuId", "E5"),
        ("signIn", "/auditLogs/signIns", "ipAddres", "192.0.2.1"),
    ],
)
def test_a_wrong_type_or_an_unknown_property_is_noticed(
    schema: str, path: str, name: str, value: object
) -> None:
    row = next(objects(busy_world().graph(path).body))
    validate(schema, row)
    broken = copy.deepcopy(row)
    broken[name] = value
    with pytest.raises(ValidationError):
        validate(schema, broken)
