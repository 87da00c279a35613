"""What a profile and the doctor read: managers, licences, applications, registrations, risk, limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from emberwatch.simulator import (
    AppScenario,
    GroupScenario,
    ScenarioError,
    SecretScenario,
    SkuScenario,
    stable_id,
)
from emberwatch.simulator.permissions import GRAPH_APP_ID, GRAPH_PRINCIPAL, role_id
from tests.unit.simulator.samples import ANN, INNER, PRINCIPAL, WIKI, WIKI_ID, sample_world
from tests.unit.simulator.worlds import CLIENT_ID, NOW, SECRET, UPN, Lab, app, lab, many_users, user

READ = ("Directory.Read.All",)
BOSS = stable_id("user0001@corp.example")


def rows(world: Lab, target: str) -> list[dict[str, Any]]:
    answer = world.graph(target)
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body["value"]
    return found


def test_a_manager_is_found_three_ways() -> None:
    world = sample_world(READ)
    own = world.graph(f"/users/{UPN}/manager?$select=id,displayName").body
    assert (own["@odata.type"], own["id"], own["displayName"]) == ("#microsoft.graph.user", BOSS, "user0001")
    one = world.graph(f"/users/{UPN}?$select=id&$expand=manager($select=id)").body
    assert one["manager"] == {"@odata.type": "#microsoft.graph.user", "id": BOSS}
    by_id = {row["id"]: row for row in rows(world, "/users?$select=id&$expand=manager")}
    assert by_id[ANN]["manager"]["userPrincipalName"] == "user0001@corp.example"
    assert "manager" not in by_id[BOSS]


@pytest.mark.parametrize("gone", [{"manager": None}, {}])
def test_without_a_manager_there_is_none(gone: dict[str, Any]) -> None:
    world = sample_world(READ)
    world.directory.change_user(UPN, **gone)
    if not gone:
        world.directory.change_user(BOSS, deleted=NOW)
    refused = world.graph(f"/users/{UPN}/manager")
    assert (refused.status, refused.error) == (404, "Request_ResourceNotFound")
    assert "manager" not in world.graph(f"/users/{UPN}?$expand=manager").body


@pytest.mark.parametrize(
    "text", ["members", "manager($levels=max)", "manager,memberOf", "manager($select=shoe)"]
)
def test_expansions_that_are_not_offered(text: str) -> None:
    assert lab().graph(f"/users?$expand={text}").status == 400


def test_licences_agree_wherever_they_show() -> None:
    world = sample_world(READ)
    (detail,) = rows(world, f"/users/{UPN}/licenseDetails")
    assert [plan["servicePlanName"] for plan in detail["servicePlans"]] == ["MAIL", "OFFICE"]
    shown = world.graph(f"/users/{UPN}?$select=assignedLicenses,assignedPlans").body
    assert shown["assignedLicenses"] == [{"disabledPlans": [], "skuId": detail["skuId"]}]
    assert len(shown["assignedPlans"]) == 2
    (bought,) = rows(world, "/subscribedSkus")
    assert (bought["skuId"], bought["consumedUnits"]) == (detail["skuId"], 1)
    assert bought["prepaidUnits"]["enabled"] == 100


def test_applications_that_a_user_opens_directly_and_through_a_group() -> None:
    world = sample_world(READ)
    opened = rows(world, f"/users/{UPN}/appRoleAssignments")
    assert [(row["principalType"], row["resourceDisplayName"]) for row in opened] == [
        ("User", "Wiki"),
        ("Group", "Wiki"),
    ]
    assert {row["appRoleId"] for row in opened} == {stable_id("app role Editor")}
    assert rows(world, f"/servicePrincipals/{WIKI}/appRoleAssignedTo") == opened
    assert [row["principalId"] for row in rows(world, f"/groups/{INNER}/appRoleAssignments")] == [INNER]
    world.directory.memberships.part(INNER, ANN)
    assert [row["principalType"] for row in rows(world, f"/users/{UPN}/appRoleAssignments")] == ["User"]


def test_what_our_own_app_was_granted() -> None:
    world = sample_world((*READ, "AuditLog.Read.All"))
    granted = rows(world, f"/servicePrincipals/{PRINCIPAL}/appRoleAssignments")
    assert {row["appRoleId"] for row in granted} == {
        role_id("Directory.Read.All"),
        role_id("AuditLog.Read.All"),
    }
    assert {row["resourceId"] for row in granted} == {GRAPH_PRINCIPAL}
    graph = world.graph(f"/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id,appRoles").body
    names = {role["id"]: role["value"] for role in graph["appRoles"]}
    assert {names[row["appRoleId"]] for row in granted} == {"Directory.Read.All", "AuditLog.Read.All"}
    (grant,) = rows(world, "/oauth2PermissionGrants")
    assert (grant["clientId"], grant["consentType"], grant["scope"]) == (PRINCIPAL, "AllPrincipals", "openid")
    everybody = rows(world, f"/servicePrincipals/{GRAPH_PRINCIPAL}/appRoleAssignedTo")
    assert {row["principalId"] for row in everybody} == {PRINCIPAL}


def test_the_registration_shows_its_secrets_ends_and_never_the_secret() -> None:
    ends = (NOW + timedelta(days=3), NOW + timedelta(days=300))
    held = tuple(SecretScenario(value=f"{n}{SECRET}", expires=end) for n, end in enumerate(ends))
    world = sample_world(READ, app={"secrets": (*held, SecretScenario(value=SECRET))})
    answer = world.graph(f"/applications?$filter=appId%20eq%20'{CLIENT_ID}'")
    (own,) = answer.body["value"]
    assert [entry["endDateTime"] for entry in own["passwordCredentials"]] == [
        "2026-05-07T12:00:00Z",
        "2027-02-28T12:00:00Z",
        None,
    ]
    assert len({entry["keyId"] for entry in own["passwordCredentials"]}) == 3
    assert own["passwordCredentials"][2]["hint"] == SECRET[:3]
    assert SECRET.encode() not in answer.raw
    assert rows(world, f"/applications?$filter=appId%20eq%20'{WIKI_ID}'") == []
    (enterprise,) = rows(world, f"/servicePrincipals?$filter=appId%20eq%20'{WIKI_ID}'")
    assert enterprise["appRoleAssignmentRequired"] is True


def test_required_permissions_may_differ_from_granted_ones() -> None:
    world = lab(apps=[app(required_roles=("User.Read.All",))])
    (own,) = rows(world, "/applications")
    (access,) = own["requiredResourceAccess"]
    assert access["resourceAccess"] == [{"id": role_id("User.Read.All"), "type": "Role"}]


def test_registered_methods_tell_who_has_a_second_factor() -> None:
    world = sample_world(("AuditLog.Read.All",))
    found = {row["id"]: row for row in rows(world, "/reports/authenticationMethods/userRegistrationDetails")}
    ann, boss = found[ANN], found[BOSS]
    assert (ann["isMfaRegistered"], ann["isAdmin"], ann["methodsRegistered"][0]) == (
        True,
        True,
        "microsoftAuthenticatorPush",
    )
    assert (boss["isMfaRegistered"], boss["isAdmin"]) == (False, False)
    only = quote("isMfaRegistered eq true")
    target = f"/reports/authenticationMethods/userRegistrationDetails?$filter={only}"
    assert [row["id"] for row in rows(world, target)] == [ANN]


def test_the_reports_need_a_premium_licence() -> None:
    roles = ("AuditLog.Read.All", "IdentityRiskyUser.Read.All")
    poor = sample_world(roles, premium=False)
    refused = poor.graph("/reports/authenticationMethods/userRegistrationDetails")
    assert (refused.status, refused.error) == (
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    )
    assert poor.graph("/identityProtection/riskyUsers").error == "Forbidden"


def test_risky_users_stay_after_they_are_deleted() -> None:
    world = sample_world(("IdentityRiskyUser.Read.All",))
    (risky,) = rows(world, "/identityProtection/riskyUsers?$filter=riskLevel%20eq%20'high'")
    assert (risky["id"], risky["riskState"], risky["isDeleted"]) == (ANN, "atRisk", False)
    world.directory.change_user(UPN, deleted=NOW)
    assert world.graph(f"/identityProtection/riskyUsers/{ANN}").body["isDeleted"] is True


def test_reports_have_a_limit_of_their_own() -> None:
    world = sample_world(("AuditLog.Read.All",), reports_per_10s=2)
    token = world.bearer()
    target = "/reports/authenticationMethods/userRegistrationDetails"
    assert [world.graph(target, token=token).status for _ in range(3)] == [200, 200, 429]
    assert world.graph(target, token=token).headers["Retry-After"] == "10"
    world.clock.advance(10)
    assert world.graph(target, token=token).status == 200


def test_near_its_limit_an_app_is_told_how_near() -> None:
    world = lab(resource_units_per_10s=10)
    token = world.bearer()
    told = [
        world.graph("/domains", token=token).headers.get("x-ms-throttle-limit-percentage") for _ in range(11)
    ]
    assert told == [None] * 7 + ["0.80", "0.90", "1.00", "1.10"]


def test_sign_in_activity_comes_in_smaller_pages() -> None:
    world = lab(users=many_users(130), apps=[app(granted_roles=(*READ, "AuditLog.Read.All"))], premium=True)
    assert len(rows(world, "/users?$select=id,signInActivity&$top=999")) == 120
    assert len(rows(world, "/users?$select=id&$top=999")) == 130


def test_groups_can_be_filtered_and_counted() -> None:
    groups = tuple(GroupScenario(display_name=f"G{n}", assignable_to_role=n == 2) for n in range(4))
    world = lab(groups=groups)
    target = f"/groups?$filter={quote('isAssignableToRole eq true')}&$select=displayName"
    assert rows(world, target) == [{"displayName": "G2"}]
    counted = world.graph("/groups?$count=true&$top=1", consistencylevel="eventual").body
    assert (counted["@odata.count"], len(counted["value"])) == (4, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"users": (user(licences=("NONE",)),)}, "licence 'NONE' is not in the directory"),
        ({"users": (user(manager="x@corp.example"),)}, "manager 'x@corp.example' is not in the directory"),
        ({"apps": (AppScenario(client_id=WIKI_ID, assigned_groups=("G",)),)}, "group 'G' is not in"),
        ({"apps": (AppScenario(client_id=WIKI_ID, assigned_role="R"),)}, "no app role 'R'"),
    ],
)
def test_a_scenario_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    lab(users=[user(licences=("SUITE",))], skus=(SkuScenario(part_number="SUITE"),))
    with pytest.raises(ScenarioError, match=message):
        lab(**changes)
