from __future__ import annotations

from typing import Any

import pytest

from emberwatch.simulator import FaultRule, turbulence
from emberwatch.simulator.faults import FaultPlan
from emberwatch.simulator.service import Service
from tests.unit.simulator.worlds import PASSWORD, UPN, Lab, lab


def fates(plan: FaultPlan, times: int, channel: str = "token", path: str = "/x") -> list[str]:
    decided = [plan.decide(channel, path)[1] for _ in range(times)]
    return [rule.kind if rule else "" for rule in decided]


@pytest.mark.parametrize(
    ("where", "channel", "path", "strikes"),
    [
        ("any", "graph", "/v1.0/users", True),
        ("token", "token", "/d/oauth2/v2.0/token", True),
        ("token", "graph", "/v1.0/users", False),
        (r"/users/[^/]+$", "graph", "/v1.0/users/ann", True),
        (r"/users/[^/]+$", "graph", "/v1.0/users", False),
    ],
)
def test_where_a_rule_strikes(where: str, channel: str, path: str, strikes: bool) -> None:
    plan = FaultPlan([FaultRule(where=where, kind="drop")])
    assert fates(plan, 1, channel, path) == ["drop" if strikes else ""]


def test_count_and_skip() -> None:
    plan = FaultPlan([FaultRule(where="token", kind="429", skip=1, count=2)])
    assert fates(plan, 5) == ["", "429", "429", "", ""]


def test_chance_follows_the_seed() -> None:
    rule = FaultRule(where="any", kind="drop", rate=0.5)
    first, again = (fates(FaultPlan([rule], seed=7), 60) for _ in range(2))
    assert first == again
    assert 10 < first.count("drop") < 50
    assert fates(FaultPlan([rule], seed=8), 60) != first


def test_waiting_adds_up_and_the_first_other_rule_decides() -> None:
    plan = FaultPlan(
        [
            FaultRule(where="any", kind="latency", seconds=0.5),
            FaultRule(where="any", kind="5xx", count=1),
            FaultRule(where="any", kind="latency", seconds=0.25),
            FaultRule(where="any", kind="drop"),
        ]
    )
    assert [
        (wait, rule and rule.kind) for wait, rule in (plan.decide("token", "/"), plan.decide("token", "/"))
    ] == [
        (0.75, "5xx"),
        (0.75, "drop"),
    ]


def test_rules_can_be_added_replaced_and_cleared() -> None:
    plan = FaultPlan()
    plan.add(FaultRule(where="any", kind="drop"))
    assert fates(plan, 1) == ["drop"]
    plan.replace([FaultRule(where="any", kind="429")])
    assert fates(plan, 1) == ["429"]
    plan.clear()
    assert fates(plan, 1) == [""]


def wrong_once(world: Lab) -> Any:
    request = world.token_request(
        grant_type="password", scope="openid", username=UPN, password="not the password"
    )
    return world.service.handle(request)


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        (FaultRule(where="token", kind="429", retry_after=7), 429, 90055),
        (FaultRule(where="token", kind="5xx"), 503, 90033),
        (FaultRule(where="token", kind="5xx", status=500), 500, 90033),
    ],
)
def test_a_refusal_by_fault_does_not_look_at_the_password(rule: FaultRule, status: int, code: int) -> None:
    world = lab(faults=[rule])
    answer = world.sign_in("not the password")
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers.get("Retry-After") == (str(rule.retry_after) if rule.retry_after else None)
    assert world.user().lockout.failures == 0


def test_refusals_of_graph_and_bodies_that_are_no_json() -> None:
    world = lab()
    token = world.bearer()
    world.faults.add(FaultRule(where="graph", kind="429", retry_after=3, count=1))
    refused = world.graph("/users", token=token)
    assert (refused.status, refused.error, refused.headers["Retry-After"]) == (429, "TooManyRequests", "3")
    world.faults.add(FaultRule(where="graph", kind="5xx", status=502, body="html", count=1))
    assert world.graph("/users", token=token).raw.startswith(b"<html>")
    world.faults.add(FaultRule(where="graph", kind="5xx", body="empty", count=1))
    assert world.graph("/users", token=token).raw == b""
    assert world.graph("/users", token=token).status == 200


@pytest.mark.parametrize(
    ("kind", "failures", "status"), [("drop", 0, 0), ("drop_after", 1, 400), ("hang", 0, 0)]
)
def test_cut_connections_and_what_the_directory_did(kind: Any, failures: int, status: int) -> None:
    world = lab(faults=[FaultRule(where="token", kind=kind, seconds=0, count=1)])
    assert wrong_once(world).reply is None
    assert world.user().lockout.failures == failures
    (entry,) = world.journal.attempts_for(UPN.upper())
    assert (entry.fault, entry.status) == (kind, status)
    assert wrong_once(world).reply.status == 400


def test_a_hang_ends_when_the_server_stops() -> None:
    world = lab(faults=[FaultRule(where="token", kind="hang")])
    world.service.stopping.set()
    assert wrong_once(world).reply is None


def test_latency_is_in_the_journal() -> None:
    world = lab(faults=[FaultRule(where="token", kind="latency", seconds=0.03)])
    assert world.sign_in(PASSWORD).code == 0
    (entry,) = world.journal.entries()
    assert entry.fault == "latency"
    assert entry.seconds >= 0.03
    assert world.journal.server_seconds() == entry.seconds


def test_the_journal_tells_requests_apart() -> None:
    world = lab()
    world.sign_in("wrong")
    world.graph(f"/users/{UPN}")
    world.graph("/users/nobody@corp.example")
    rows = [(entry.route, entry.code, entry.status) for entry in world.journal.entries()]
    assert rows == [
        ("token:password", "50126", 400),
        ("token:client_credentials", "", 200),
        ("graph:user", "", 200),
        ("token:client_credentials", "", 200),
        ("graph:user", "Request_ResourceNotFound", 404),
    ]
    assert isinstance(world.service, Service)
    assert len(world.journal.sign_ins()) == 1
    world.journal.clear()
    assert world.journal.entries() == []


def test_turbulence_strikes_the_share_it_names_each_kind_as_often() -> None:
    struck = fates(FaultPlan(turbulence(0.2), seed=11), 20_000, "graph")
    share = [struck.count(kind) / len(struck) for kind in ("429", "5xx", "drop", "drop_after")]
    assert all(0.045 < each < 0.055 for each in share)
    assert fates(FaultPlan(turbulence(0.2), seed=11), 200, "token") == [""] * 200


def test_a_token_can_be_taken_for_expired() -> None:
    world = lab(faults=[FaultRule(where="any", kind="401", skip=1, count=1)])
    token = world.bearer()
    answers = [world.graph("/users", token=token) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 401, 200]
    assert answers[1].error == "InvalidAuthenticationToken"
    assert "invalid_token" in answers[1].headers["WWW-Authenticate"]


def test_all_tokens_end_at_once_and_new_ones_are_good() -> None:
    world = lab()
    token = world.bearer()
    assert world.graph("/users", token=token).status == 200
    world.world.end_tokens()
    assert world.graph("/users", token=token).error == "InvalidAuthenticationToken"
    assert world.graph("/users", token=world.bearer()).status == 200
