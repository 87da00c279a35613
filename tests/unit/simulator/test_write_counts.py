"""Faults that meet writes, and how it is told afterwards which writes arrived."""

from __future__ import annotations

from typing import Any

import pytest

from emberwatch.simulator import FaultRule, turbulence
from tests.unit.simulator.samples import ANN, INNER, WRITES, sample_world
from tests.unit.simulator.worlds import UPN, Lab, app, lab, user

EVERYTHING = (
    "Directory.ReadWrite.All",
    "User-PasswordProfile.ReadWrite.All",
    "IdentityRiskyUser.ReadWrite.All",
    "GroupMember.ReadWrite.All",
)
OFF = {"accountEnabled": False}


def world(*faults: FaultRule, **changes: Any) -> Lab:
    own = lab(users=[user()], apps=[app(granted_roles=EVERYTHING)], **changes)
    own.faults.replace(faults)
    return own


def counts(own: Lab) -> dict[str, dict[str, int]]:
    return own.journal.write_counts().get(own.user().id, {})


@pytest.mark.parametrize("name", WRITES)
def test_each_write_is_counted_for_its_account(name: str) -> None:
    own = sample_world(EVERYTHING)
    assert own.write(*WRITES[name]).status in (200, 204)
    ((account, kinds),) = own.journal.write_counts().items()
    second = own.user("user0001@corp.example").id
    assert account == (second if name in ("change account", "add member") else ANN)
    kind = "disable" if name == "change account" else name
    assert list(kinds) == [kind]
    assert sum(kinds[kind].values()) == 1
    (entry,) = own.journal.writes(account.upper())
    assert entry.route == f"graph:{name}"
    assert own.journal.writes(INNER) == []


def test_kinds_of_changes() -> None:
    own = world()
    for body in (
        OFF,
        {"accountEnabled": True, "passwordProfile": {"password": "Other-Horse-2"}},
        {"passwordProfile": {"forceChangePasswordNextSignIn": True}},
    ):
        own.patch(f"/users/{UPN.upper()}", body)
    own.graph(f"/users/{UPN}")
    assert counts(own) == {
        "disable": {"204": 1},
        "enable": {"204": 1},
        "set password": {"204": 1},
        "force change": {"204": 1},
    }
    assert "Other-Horse-2" not in str([entry.as_json() for entry in own.journal.entries()])


@pytest.mark.parametrize(
    ("kind", "status", "acted"),
    [
        ("429", 429, False),
        ("5xx", 503, False),
        ("401", 401, False),
        ("drop", 0, False),
        ("drop_after", 204, True),
    ],
)
def test_a_fault_and_what_became_of_the_write(kind: Any, status: int, acted: bool) -> None:
    own = world()
    token = own.bearer()
    own.faults.add(FaultRule(where="write", kind=kind, count=1, seconds=0))
    request = own.graph_request("PATCH", f"/users/{UPN}", OFF, token=token)
    reply = own.service.handle(request).reply
    assert (reply is None) is kind.startswith("drop")
    assert own.user().scenario.enabled is not acted
    assert counts(own) == {"disable": {str(status): 1}}
    assert own.journal.writes()[0].fault == kind
    assert own.patch(f"/users/{UPN}", OFF, token=token).status == 204
    assert sum(counts(own)["disable"].values()) == 2


def test_a_rule_for_writes_leaves_reads_and_batches_alone() -> None:
    own = world()
    token = own.bearer()
    own.faults.add(FaultRule(where="write", kind="5xx"))
    assert own.graph(f"/users/{UPN}", token=token).status == 200
    rows = [
        {"id": "read", "method": "GET", "url": f"/users/{UPN}"},
        {
            "id": "write",
            "method": "PATCH",
            "url": f"/users/{UPN}",
            "body": OFF,
            "headers": {"Content-Type": "application/json"},
        },
    ]
    answers = own.post("/$batch", {"requests": rows}, token=token).body["responses"]
    assert {row["id"]: row["status"] for row in answers} == {"read": 200, "write": 503}
    assert counts(own) == {"disable": {"503": 1}}
    own.faults.clear()
    answers = own.post("/$batch", {"requests": rows}, token=token).body["responses"]
    assert {row["id"]: row["status"] for row in answers} == {"read": 200, "write": 204}
    assert counts(own) == {"disable": {"503": 1, "204": 1}}


def test_turbulence_meets_writes() -> None:
    own = world(*turbulence(0.5, where="write"))
    token = own.bearer()
    path = f"/users/{UPN}/revokeSignInSessions"
    replies = [own.service.handle(own.graph_request("POST", path, {}, token=token)).reply for _ in range(200)]
    told = counts(own)["revoke sessions"]
    assert set(told) == {"200", "429", "503", "0"}
    assert sum(told.values()) == 200
    lost = sum(reply is None for reply in replies)
    assert (
        told["200"] - sum(reply is not None and reply.status == 200 for reply in replies)
        == lost - told["0"]
        > 0
    )


def test_writes_spend_resource_units() -> None:
    own = world(resource_units_per_10s=2)
    token = own.bearer()
    statuses = [own.patch(f"/users/{UPN}", OFF, token=token).status for _ in range(3)]
    assert statuses == [204, 204, 429]
    assert counts(own) == {"disable": {"204": 2, "429": 1}}


def test_a_refused_write_is_told_with_the_name_that_it_used() -> None:
    own = world()
    own.patch("/users/Nobody@corp.example", OFF)
    own.write("PATCH", f"/users/{UPN}", OFF, token="rubbish")
    own.post("/identityProtection/riskyUsers/dismiss", {"userIds": "x"})
    told = own.journal.write_counts()
    assert told == {
        "nobody@corp.example": {"disable": {"404": 1}},
        own.user().id: {"disable": {"401": 1}},
    }
