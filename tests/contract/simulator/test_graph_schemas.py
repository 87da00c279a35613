"""Every Graph reply of the simulator has the names, types and formats that Microsoft's metadata gives."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from emberwatch.simulator import (
    GroupScenario,
    RiskDetectionScenario,
    RoleScenario,
    sign_in_as_others,
    stable_id,
)
from emberwatch.simulator.graph import ROUTES
from emberwatch.simulator.user_properties import USER_PROPERTIES
from tests.unit.simulator.worlds import NOW, ORIGIN, PASSWORD, UPN, Lab, app, lab, many_users, user

ROLE = "62e90394-69f5-4237-9190-012177145e10"
FOUND, SIGNED_IN = str(UUID(int=1)), str(UUID(int=2))
GRANT = {"grant_type": "password", "username": UPN, "password": PASSWORD, "scope": "openid"}
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
    users = [
        user(
            other_mails=("ann@private.example",),
            manager="user0001@corp.example",
            synced=True,
            last_sign_in=NOW,
            properties={
                "assignedLicenses": [{"skuId": "c7df2760-2c81-4ef7-b578-5b5392b571df", "disabledPlans": []}]
            },
        ),
        user(
            upn="gil_home.example#EXT#@corp.example", user_type="Guest", home="msa", mail=None, password=None
        ),
        user(upn="gus@corp.example", deleted=datetime(2026, 4, 1, tzinfo=UTC)),
        *many_users(3),
    ]
    roles = ("Directory.Read.All", "AuditLog.Read.All", "IdentityRiskEvent.Read.All")
    world = lab(
        users=users,
        apps=[app(granted_roles=roles)],
        premium=True,
        lockout_threshold=5,
        groups=(
            GroupScenario(display_name="Inner", members=(UPN,)),
            GroupScenario(display_name="Admins", assignable_to_role=True, groups=("Inner",)),
        ),
        roles=(RoleScenario(template_id=ROLE, display_name="Global Administrator", groups=("Admins",)),),
        detections=(RiskDetectionScenario(upn=UPN, detected=NOW, id=FOUND),),
    )
    for password in ("wrong", PASSWORD):
        world.sign_in(password)
        sign_in_as_others(world.directory, UPN, password)
    world.send(replace(world.token_request(**GRANT), trace_id=SIGNED_IN))
    return world


# (route, path, schema of the object; collections hold them in "value")
REPLIES: list[tuple[str, str, str]] = [
    ("users", "/users", "user"),
    ("users", f"/users?$select={ALL_PROPERTIES}&$count=true&$top=2", "user"),
    ("users delta", f"/users/delta?$select={TRACKED},manager", "user"),
    ("groups delta", "/groups/delta", "group"),
    ("user", f"/users/{UPN}", "user"),
    ("user", f"/users/{UPN}?$select={ALL_PROPERTIES}", "user"),
    ("deleted users", f"/directory/deletedItems/microsoft.graph.user?$select={ALL_PROPERTIES}", "user"),
    ("deleted user", f"/directory/deletedItems/{stable_id('deleted gus@corp.example')}", "user"),
    ("member of", f"/users/{UPN}/transitiveMemberOf", "member"),
    ("groups", "/groups", "group"),
    ("group", f"/groups/{stable_id('group Admins')}", "group"),
    ("group members", f"/groups/{stable_id('group Admins')}/transitiveMembers", "member"),
    ("roles", "/directoryRoles", "directoryRole"),
    ("role members", f"/directoryRoles/{stable_id(f'role {ROLE}')}/members", "member"),
    ("role assignments", "/roleManagement/directory/roleAssignments", "unifiedRoleAssignment"),
    ("role definitions", "/roleManagement/directory/roleDefinitions", "unifiedRoleDefinition"),
    ("domains", "/domains", "domain"),
    ("domain", "/domains/fed.example", "domain"),
    ("organization", "/organization", "organization"),
    ("service principals", "/servicePrincipals", "servicePrincipal"),
    ("group settings", "/groupSettings", "groupSetting"),
    ("risk detections", "/identityProtection/riskDetections", "riskDetection"),
    ("risk detection", f"/identityProtection/riskDetections/{FOUND}", "riskDetection"),
    ("sign-ins", "/auditLogs/signIns", "signIn"),
    ("sign-in", f"/auditLogs/signIns/{SIGNED_IN}", "signIn"),
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


@pytest.mark.parametrize(("path", "schema"), [row[1:] for row in REPLIES])
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
    assert {route.name for route in ROUTES} - {"users.count", "batch"} == {row[0] for row in REPLIES}


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
