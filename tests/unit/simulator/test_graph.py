from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from emberwatch.simulator import DomainScenario, UserScenario
from emberwatch.simulator.graph_objects import PASSWORD_RULES_TEMPLATE
from emberwatch.simulator.graph_routes import ROUTES
from emberwatch.simulator.messages import Request
from emberwatch.simulator.user_properties import USER_DEFAULT_SELECT
from tests.unit.simulator.samples import PATHS, REPORTS, WRITES, sample_world
from tests.unit.simulator.worlds import (
    NOW,
    ORIGIN,
    OTHER_ID,
    UPN,
    Lab,
    app,
    directory,
    lab,
    many_users,
    scenario,
    user,
)

ADVANCED = {"consistencylevel": "eventual"}


def sample(route: Any, *roles: str) -> Any:
    """What an app with these roles gets from a route."""
    if route.name in WRITES:
        return sample_world(roles).write(*WRITES[route.name])
    return sample_world(roles).graph(PATHS[route.name], **ADVANCED)


def names(answer: Any) -> list[str]:
    return [row["userPrincipalName"] for row in answer.body["value"]]


# What a change of an account needs follows from the property: see the tests of that.
@pytest.mark.parametrize(
    "route",
    [r for r in ROUTES if r.permissions and r.name != "change account"],
    ids=lambda route: route.name,
)
def test_each_route_opens_to_each_of_its_permissions_and_to_no_other(route: Any) -> None:
    for role in sorted(route.permissions):
        assert sample(route, role).status in (200, 204), role
    for roles in ((), {"AuditLog.Read.All", "Mail.Read"} - route.permissions):
        refused = sample(route, *roles)
        assert (refused.status, refused.error) == (403, "Authorization_RequestDenied")


def test_directory_read_all_alone_opens_every_route_but_the_reports_and_the_writes() -> None:
    gated = {route.name for route in ROUTES if route.permissions}
    opened = {route.name for route in ROUTES if "Directory.Read.All" in route.permissions}
    assert opened == gated - REPORTS - WRITES.keys() - {"federated credentials"}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer rubbish", "Basic abc"])
def test_without_a_token_of_this_server_nothing_opens(authorization: str) -> None:
    refused = lab().get("/v1.0/users", {"authorization": authorization})
    assert (refused.status, refused.error) == (401, "InvalidAuthenticationToken")
    assert "Bearer" in refused.headers["WWW-Authenticate"]


def test_a_token_ends() -> None:
    world = lab()
    token = world.bearer()
    world.clock.advance(3598)
    assert world.graph("/users", token=token).status == 200
    world.clock.advance(1)
    assert world.graph("/users", token=token).status == 401


def test_a_users_token_has_no_roles_and_opens_nothing() -> None:
    world = lab()
    token = world.sign_in().body["access_token"]
    assert world.graph("/users", token=token).status == 403


def test_a_token_for_another_audience_is_refused() -> None:
    world = lab()
    assert world.graph("/users", token=world.sign_in().body["id_token"]).status == 401


def test_a_token_sees_its_own_directory_only() -> None:
    other = directory(
        id=OTHER_ID,
        domains=(DomainScenario(name="other.example"),),
        users=(user(upn="oto@other.example"),),
        apps=(),
    )
    world = Lab(scenario(directory(), other))
    assert names(world.graph("/users")) == [UPN]
    assert world.graph("/users/oto@other.example").status == 404


def test_the_default_properties_and_a_selection() -> None:
    world = lab()
    assert set(world.graph("/users").body["value"][0]) == set(USER_DEFAULT_SELECT)
    chosen = world.graph("/users?$select=id,accountEnabled,lastPasswordChangeDateTime").body
    assert chosen["@odata.context"] == (
        f"{ORIGIN}/v1.0/$metadata#users(id,accountEnabled,lastPasswordChangeDateTime)"
    )
    assert list(chosen["value"][0]) == ["id", "accountEnabled", "lastPasswordChangeDateTime"]


def test_the_basic_permission_shows_basic_properties_only() -> None:
    world = lab(apps=[app(granted_roles=("User.ReadBasic.All",))])
    assert set(world.graph("/users?$select=id,accountEnabled,mail").body["value"][0]) == {"id", "mail"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/users?$select=passwordHash", "BadRequest"),
        ("/users?$filter=mail eq", "BadRequest"),
        ("/users?$filter=passwordPolicies eq 'x'", "Request_UnsupportedQuery"),
        ("/users?$filter=mail ne 'x'", "Request_UnsupportedQuery"),
        ("/users?$filter=mail ne 'x'&$count=true", "Request_UnsupportedQuery"),
        ("/users?$top=1000", "Request_BadRequest"),
        ("/users?$top=0", "Request_BadRequest"),
        ("/users?$top=ten", "Request_BadRequest"),
        ("/users?$skip=3", "Request_UnsupportedQuery"),
        ("/users?$search=x", "Request_UnsupportedQuery"),
        ("/users?$bogus=x", "BadRequest"),
        ("/users?$orderby=shoeSize", "Request_UnsupportedQuery"),
        ("/users?$orderby=displayName&$filter=accountEnabled eq true", "Request_UnsupportedQuery"),
        ("/users?$skiptoken=rubbish", "Directory_ExpiredPageToken"),
        ("/users/$count", "Request_BadRequest"),
        ("/domains?$select=shoeSize", "BadRequest"),
        ("/nothing/here", "BadRequest"),
    ],
)
def test_requests_that_are_refused(target: str, code: str) -> None:
    refused = lab().graph(target.replace(" ", "%20"))
    assert (refused.status, refused.error) == (400, code)
    inner = refused.body["error"]["innerError"]
    assert inner["request-id"] == refused.headers["request-id"]
    assert inner["date"] == "2026-05-04T12:00:00"


def test_advanced_queries_work_with_header_and_count() -> None:
    world = lab(users=[user(), user(upn="bea@corp.example", mail=None)])
    target = "/users?$count=true&$filter=" + quote("mail ne 'x' and endsWith(userPrincipalName,'.example')")
    answer = world.graph(target, **ADVANCED)
    assert (answer.status, answer.body["@odata.count"]) == (200, 2)
    assert world.graph("/users/$count", **ADVANCED).raw == b"2"
    ordered = "/users?$count=true&$orderby=userPrincipalName%20desc&$filter=accountEnabled%20eq%20true"
    assert names(world.graph(ordered, **ADVANCED)) == ["bea@corp.example", UPN]


def test_a_count_without_the_header_is_ignored() -> None:
    assert "@odata.count" not in lab().graph("/users?$count=true").body


def test_a_user_is_found_by_id_and_by_name() -> None:
    world = lab(users=[user(upn="ann_home.example#EXT#@corp.example", user_type="Guest")])
    by_name = world.graph("/users/ann_home.example%23EXT%23@corp.example?$select=id,userType").body
    assert by_name["userType"] == "Guest"
    assert by_name["@odata.context"].endswith("#users(id,userType)/$entity")
    assert world.graph(f"/users/{by_name['id']}").body["id"] == by_name["id"]
    missing = world.graph("/users/nobody@corp.example")
    assert (missing.status, missing.error) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize(
    "changes",
    [
        {"mail": "a.nee@corp.example"},
        {"proxy_addresses": ("smtp:a.nee@corp.example",)},
        {"other_mails": ("A.Nee@corp.example",)},
    ],
)
def test_an_address_finds_its_user_and_follows_a_change(changes: dict[str, Any]) -> None:
    world = lab(users=[*many_users(5), user()])
    text = (
        "mail eq 'a.nee@corp.example' or proxyAddresses/any(p:p eq 'smtp:a.nee@corp.example') "
        "or otherMails/any(o:o eq 'a.nee@corp.example')"
    )
    target = f"/users?$filter={quote(text)}"
    assert names(world.graph(target)) == []
    world.directory.change_user(UPN, **changes)
    assert names(world.graph(target)) == [UPN]
    world.directory.change_user(UPN, deleted=NOW)
    assert names(world.graph(target)) == []


@pytest.mark.parametrize("extra", ["", "&$orderby=displayName"])
def test_pages_cover_everybody_once(extra: str) -> None:
    world = lab(users=many_users(25))
    target, seen = f"/users?$select=userPrincipalName&$top=10{extra}", []
    sizes = []
    while target:
        answer = world.graph(target)
        seen += names(answer)
        sizes.append(len(answer.body["value"]))
        target = answer.body.get("@odata.nextLink", "").removeprefix(f"{ORIGIN}/v1.0")
    assert sizes == [10, 10, 5]
    assert seen == [scenario_user.upn for scenario_user in many_users(25)]


def test_a_page_that_is_just_full_has_no_next_one() -> None:
    assert "@odata.nextLink" not in lab(users=many_users(10)).graph("/users?$top=10").body
    assert "@odata.nextLink" in lab(users=many_users(11)).graph("/users?$top=10").body
    assert len(lab(users=many_users(120)).graph("/users").body["value"]) == 100


def test_users_who_come_and_go_between_pages_neither_hide_nor_repeat_others() -> None:
    world = lab(users=many_users(6))
    first = world.graph("/users?$top=3")
    world.directory.change_user("user0001@corp.example", deleted=NOW)
    world.directory.add_user(UserScenario(upn="new@corp.example"))
    second = world.graph(first.body["@odata.nextLink"].removeprefix(f"{ORIGIN}/v1.0"))
    assert names(second) == ["user0003@corp.example", "user0004@corp.example", "user0005@corp.example"]


def test_a_next_link_belongs_to_its_query() -> None:
    link = lab(users=many_users(6)).graph("/users?$top=3").body["@odata.nextLink"]
    target = link.removeprefix(f"{ORIGIN}/v1.0").replace("$top=3", "$top=4")
    assert lab(users=many_users(6)).graph(target).error == "Directory_ExpiredPageToken"


def test_deleted_users_are_elsewhere_and_lose_their_name() -> None:
    gone = user(upn="gus@corp.example", deleted=datetime(2026, 4, 1, tzinfo=UTC))
    world = lab(users=[user(), gone])
    assert names(world.graph("/users")) == [UPN]
    (row,) = world.graph("/directory/deletedItems/microsoft.graph.user").body["value"]
    assert row["userPrincipalName"] == gone.object_id.replace("-", "") + "gus@corp.example"
    assert row["deletedDateTime"] == "2026-04-01T00:00:00Z"


def test_sign_in_activity_needs_licence_and_permission() -> None:
    both = app(granted_roles=("Directory.Read.All", "AuditLog.Read.All"))
    target = f"/users/{UPN}?$select=id,signInActivity"
    world = lab(apps=[both], premium=True)
    world.sign_in("wrong")
    activity = world.graph(target).body["signInActivity"]
    assert activity["lastSignInDateTime"] == "2026-05-04T12:00:00Z"
    assert activity["lastSuccessfulSignInDateTime"] is None
    for refused in (lab(apps=[both]).graph(target), lab(premium=True).graph(target)):
        assert refused.status == 403
        assert refused.error == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


def test_password_rules_are_there_only_when_they_were_changed() -> None:
    assert lab().graph("/groupSettings").body["value"] == []
    (rules,) = lab(lockout_threshold=5).graph("/groupSettings").body["value"]
    assert rules["templateId"] == PASSWORD_RULES_TEMPLATE
    values = {entry["name"]: entry["value"] for entry in rules["values"]}
    assert (values["LockoutThreshold"], values["LockoutDurationInSeconds"]) == ("5", "60")


def test_domains_and_organization_agree() -> None:
    world = lab()
    domains = {row["id"]: row for row in world.graph("/domains").body["value"]}
    assert domains["fed.example"]["authenticationType"] == "Federated"
    assert world.graph("/domains/FED.example").body["id"] == "fed.example"
    assert world.graph("/domains/elsewhere.example").status == 404
    (organization,) = world.graph("/organization").body["value"]
    assert [row["name"] for row in organization["verifiedDomains"]] == ["corp.example", "fed.example"]


def test_a_method_that_is_not_offered() -> None:
    world = lab()
    headers = {"authorization": f"Bearer {world.bearer()}"}
    assert world.send(Request("DELETE", "/v1.0/users", headers)).status == 405


def test_replies_name_their_cost_and_ids() -> None:
    world = lab()
    costs = [
        world.graph(target).headers["x-ms-resource-unit"]
        for target in ("/users", "/users?$select=id", "/users?$select=id&$top=5", "/domains")
    ]
    assert costs == ["2", "1", "1", "1"]
    asked = "12345678-1234-4234-9234-123456789012"
    assert world.graph("/users", **{"client-request-id": asked}).headers["client-request-id"] == asked


def test_beyond_its_resource_units_an_app_waits() -> None:
    world = lab(resource_units_per_10s=5)
    token = world.bearer()
    assert [world.graph("/users", token=token).status for _ in range(3)] == [200, 200, 429]
    refused = world.graph("/users", token=token)
    assert (refused.error, refused.headers["Retry-After"]) == ("TooManyRequests", "10")
    world.clock.advance(10)
    assert world.graph("/users", token=token).status == 200


def test_further_properties_come_from_the_scenario() -> None:
    world = lab(users=[replace(user(), properties={"department": "Sales"})])
    assert world.graph(f"/users/{UPN}?$select=department").body["department"] == "Sales"
