"""Confirming and dismissing risk through Graph."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emberwatch.simulator import RiskScenario
from tests.unit.simulator.worlds import UPN, Lab, a_guid, app, lab, many_users, user

RISKY = "/identityProtection/riskyUsers"
ROLES = ("IdentityRiskyUser.ReadWrite.All",)


def world(**changes: Any) -> Lab:
    plain: dict[str, Any] = {
        "users": [user(), *many_users(61)],
        "apps": [app(granted_roles=ROLES)],
        "premium": True,
    }
    return lab(**{**plain, **changes})


def rated(own: Lab) -> dict[str, tuple[str, str, str, str]]:
    names = ("riskLevel", "riskState", "riskDetail", "riskLastUpdatedDateTime")
    rows = own.graph(RISKY).body["value"]
    return {row["userPrincipalName"]: tuple(row[name] for name in names) for row in rows}


def test_confirmed_and_then_dismissed() -> None:
    own = world()
    ids = [own.user().id.upper(), own.user("user0001@corp.example").id]
    assert rated(own) == {}
    answer = own.post(f"{RISKY}/confirmCompromised", {"userIds": ids})
    assert (answer.status, answer.raw) == (204, b"")
    confirmed = ("high", "confirmedCompromised", "adminConfirmedUserCompromised", "2026-05-04T12:00:00Z")
    assert rated(own) == {UPN: confirmed, "user0001@corp.example": confirmed}
    own.clock.advance(60)
    assert own.post(f"{RISKY}/microsoft.graph.dismiss", {"userIds": ids[:1]}).status == 204
    dismissed = ("none", "dismissed", "adminDismissedAllRiskForUser", "2026-05-04T12:01:00Z")
    assert rated(own) == {UPN: dismissed, "user0001@corp.example": confirmed}
    own.directory.change_user("user0001@corp.example", display_name="Another")
    assert rated(own)["user0001@corp.example"] == confirmed


@pytest.mark.parametrize("action", ["confirmCompromised", "dismiss"])
def test_a_list_that_is_refused_changes_nothing(action: str) -> None:
    own = world()
    ids = [each.id for each in own.directory.present()]
    assert len(ids) == 62
    gone = own.user("user0060@corp.example").id
    own.directory.change_user(gone, deleted=own.clock() - timedelta(days=1))
    bodies: list[object] = [
        *({"userIds": wrong} for wrong in ([], ids[:61], [ids[0], a_guid()], [ids[0], gone], "x", [1], None)),
        {},
        [ids[0]],
        {"userIds": ids[:1], "note": "x"},
    ]
    for body in bodies:
        assert own.post(f"{RISKY}/{action}", body).status == 400, body
    assert rated(own) == {}
    assert own.post(f"{RISKY}/{action}", {"userIds": ids[:60]}).status == 204
    assert len(rated(own)) == 60


def test_the_licence_and_the_limit_of_protection_hold_for_writes_too() -> None:
    body = {"userIds": [user().object_id]}
    poor = world(premium=False)
    refused = poor.post(f"{RISKY}/dismiss", body)
    assert (refused.status, refused.error) == (403, "Forbidden")
    own = world(one_protection_request_a_second=True)
    assert own.post(f"{RISKY}/confirmCompromised", body).status == 204
    assert own.post(f"{RISKY}/dismiss", body).status == 429
    own.clock.advance(1)
    assert rated(own)[UPN][1] == "confirmedCompromised"


def test_risk_lags_behind_in_reads() -> None:
    own = world(users=[user(risk=RiskScenario(level="low"))], write_delay_seconds=30)
    before = rated(own)
    own.post(f"{RISKY}/dismiss", {"userIds": [own.user().id]})
    assert rated(own) == before
    assert own.graph(f"{RISKY}/{own.user().id}").body["riskState"] == "atRisk"
    own.clock.advance(30)
    assert rated(own)[UPN][1] == "dismissed"
    assert own.graph(f"{RISKY}/{own.user().id}").body["riskState"] == "dismissed"
