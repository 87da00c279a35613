from __future__ import annotations

from typing import Any

import pytest

from emberwatch.simulator import GroupScenario, RoleScenario, ScenarioError, UserScenario, stable_id
from tests.unit.simulator.worlds import ORIGIN, UPN, Lab, lab, many_users, user

ROLE = "62e90394-69f5-4237-9190-012177145e10"
BEA = UserScenario(upn="bea@corp.example")


def world(**changes: Any) -> Lab:
    groups = (
        GroupScenario(display_name="Inner", members=(UPN,), groups=("Admins",)),
        GroupScenario(display_name="Admins", assignable_to_role=True, groups=("Inner",)),
    )
    roles = (
        RoleScenario(
            template_id=ROLE, display_name="Global Administrator", members=(BEA.upn,), groups=("Admins",)
        ),
    )
    return lab(**{"users": [user(), BEA], "groups": groups, "roles": roles, **changes})


def shown(answer: Any) -> list[tuple[str, str]]:
    return [
        (row["@odata.type"].rpartition(".")[2], row.get("displayName") or row["id"])
        for row in answer.body["value"]
    ]


INNER, ADMINS, GLOBAL = ("group", "Inner"), ("group", "Admins"), ("directoryRole", "Global Administrator")


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        (f"/users/{UPN}/memberOf", [INNER]),
        (f"/users/{UPN}/transitiveMemberOf", [INNER, ADMINS, GLOBAL]),
        (f"/users/{UPN}/transitiveMemberOf/microsoft.graph.group", [INNER, ADMINS]),
        (f"/users/{UPN}/transitiveMemberOf/microsoft.graph.directoryRole", [GLOBAL]),
        (f"/users/{BEA.upn}/memberOf", [GLOBAL]),
        (f"/users/{BEA.upn}/memberOf/microsoft.graph.group", []),
        (f"/users/{UPN}/transitiveMemberOf?$select=id,displayName", [INNER, ADMINS, GLOBAL]),
        (f"/groups/{stable_id('group Admins')}/members", [INNER]),
        (f"/groups/{stable_id('group Admins')}/transitiveMembers", [("user", "ann"), INNER]),
        (f"/directoryRoles/{stable_id('role ' + ROLE)}/members", [("user", "bea"), ADMINS]),
    ],
)
def test_who_belongs_to_what(path: str, rows: list[tuple[str, str]]) -> None:
    assert shown(world().graph(path)) == rows


def test_assignments_are_direct_ones_and_can_be_asked_for_by_principal() -> None:
    base = "/roleManagement/directory/roleAssignments"
    entra = world()
    assert len(entra.graph(base).body["value"]) == 2
    for principal, count in ((stable_id(BEA.upn), 1), (stable_id("group Admins"), 1), (stable_id(UPN), 0)):
        rows = entra.graph(f"{base}?$filter=principalId%20eq%20'{principal}'").body["value"]
        assert [row["roleDefinitionId"] for row in rows] == [ROLE] * count


def test_pages_and_options_that_are_not_offered() -> None:
    names = tuple(person.upn for person in many_users(5))
    entra = world(users=many_users(5), groups=(GroupScenario(display_name="All", members=names),), roles=())
    target, sizes = f"/groups/{stable_id('group All')}/members?$top=2", []
    while target:
        body = entra.graph(target).body
        sizes.append(len(body["value"]))
        target = body.get("@odata.nextLink", "").removeprefix(f"{ORIGIN}/v1.0")
    assert sizes == [2, 2, 1]
    assert entra.graph("/groups?$search=x").error == "Request_UnsupportedQuery"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": (GroupScenario(display_name="G", members=("x@corp.example",)),)}, "not in the directory"),
        ({"groups": (GroupScenario(display_name="G", groups=("H",)),)}, "not in the directory"),
        (
            {
                "groups": (GroupScenario(display_name="G"),),
                "roles": (RoleScenario(template_id=ROLE, display_name="R", groups=("G",)),),
            },
            "not assignable",
        ),
    ],
)
def test_a_scenario_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        lab(**changes)


def test_one_deleted_user_is_found_by_id() -> None:
    gone = user(upn="gus@corp.example", deleted=lab().clock())
    entra = lab(users=[user(), gone])
    row = entra.graph(f"/directory/deletedItems/{gone.object_id}?$select=id,deletedDateTime").body
    assert row["deletedDateTime"] == "2026-05-04T12:00:00Z"
    assert entra.graph(f"/directory/deletedItems/{stable_id(UPN)}").status == 404
