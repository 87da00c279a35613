from __future__ import annotations

from typing import Any

import pytest

from emberwatch.simulator import FaultRule
from tests.unit.simulator.worlds import UPN, Lab, app, lab, many_users


def get(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "method": "GET", "url": url, **more}


def send(world: Lab, *requests: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answer = world.post("/$batch", {"requests": requests})
    assert answer.status == 200
    return {row["id"]: row for row in answer.body["responses"]}


def test_every_item_is_answered_as_if_it_came_alone() -> None:
    rows = send(
        lab(), get("a", f"/users/{UPN}?$select=id,accountEnabled"), get("b", "users/nobody@corp.example")
    )
    assert (rows["a"]["status"], rows["a"]["body"]["accountEnabled"]) == (200, True)
    assert (rows["b"]["status"], rows["b"]["body"]["error"]["code"]) == (404, "Request_ResourceNotFound")


def test_answers_come_in_another_order_that_the_seed_decides() -> None:
    def order() -> list[str]:
        requests = [get(str(n), "/domains") for n in range(20)]
        answers = lab().post("/$batch", {"requests": requests}).body["responses"]
        return [row["id"] for row in answers]

    first = order()
    assert sorted(first) == sorted(str(n) for n in range(20)) != first
    assert order() == first


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [get(str(n), "/domains") for n in range(21)],
        [get("a", "/domains"), get("a", "/users")],
        [{"method": "GET", "url": "/domains"}],
        [get("a", "https://graph.microsoft.com/v1.0/users")],
        [get("a", "")],
        [{"id": "a", "method": "BREW", "url": "/users"}],
        [{"id": "a", "method": "POST", "url": "/users", "body": {}}],
        [get("a", "/users", dependsOn=["b"]), get("b", "/users", dependsOn=["a"])],
        [get("a", "/users", dependsOn=["nothing"])],
        ["users"],
        "users",
    ],
)
def test_batches_that_are_refused_as_a_whole(requests: object) -> None:
    refused = lab().post("/$batch", {"requests": requests})
    assert (refused.status, refused.error) == (400, "BadRequest")


def test_twenty_are_not_too_many() -> None:
    assert len(send(lab(), *(get(str(n), "/domains") for n in range(20)))) == 20


def test_permissions_are_those_of_each_item() -> None:
    world = lab(apps=[app(granted_roles=("Domain.Read.All",))])
    rows = send(world, get("a", "/domains"), get("b", "/users"))
    assert (rows["a"]["status"], rows["b"]["status"]) == (200, 403)


def test_each_item_costs_what_it_costs_alone() -> None:
    rows = send(lab(resource_units_per_10s=3), *(get(str(n), "/users") for n in range(3)))
    assert [rows[str(n)]["status"] for n in range(3)] == [200, 429, 429]
    assert rows["2"]["headers"]["Retry-After"] == "10"


@pytest.mark.parametrize(
    ("rule", "status", "after"),
    [
        (FaultRule(where="item", kind="429", skip=1, count=1, retry_after=4), 429, "4"),
        (FaultRule(where="user0001", kind="429", retry_after=9), 429, "9"),
        (FaultRule(where="item", kind="5xx", status=502, skip=1, count=1), 502, None),
    ],
)
def test_single_items_can_be_throttled_or_fail(rule: FaultRule, status: int, after: str | None) -> None:
    world = lab(users=many_users(3))
    world.faults.add(rule)
    rows = send(world, *(get(str(n), f"/users/user000{n}@corp.example") for n in range(3)))
    assert [rows[str(n)]["status"] for n in range(3)] == [200, status, 200]
    assert rows["1"]["headers"].get("Retry-After") == after


def test_a_connection_is_not_cut_for_one_item() -> None:
    world = lab(faults=[FaultRule(where=r"/users/", kind="drop")])
    assert send(world, get("a", f"/users/{UPN}"))["a"]["status"] == 200


def test_what_depends_on_a_failure_is_not_tried() -> None:
    world = lab()
    rows = send(
        world,
        get("last", "/users", dependsOn=["bad"]),
        get("bad", "/users/nobody@corp.example"),
        get("fine", "/domains", dependsOn=["ok"]),
        get("ok", f"/users/{UPN}"),
    )
    assert {name: row["status"] for name, row in rows.items()} == {
        "last": 424,
        "bad": 404,
        "fine": 200,
        "ok": 200,
    }


def test_the_journal_holds_every_item_and_the_batch() -> None:
    world = lab()
    send(world, get("a", f"/users/{UPN}"), get("b", "/nothing"))
    routes = [entry.route for entry in world.journal.entries()]
    assert routes == ["token:client_credentials", "graph:user", "graph:batch item", "graph:batch"]


def test_a_batch_in_a_batch_and_a_bare_number() -> None:
    rows = send(
        lab(),
        {"id": "a", "method": "POST", "url": "/$batch"},
        get("b", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
    )
    assert (rows["a"]["status"], rows["b"]["body"]) == (400, 1)
