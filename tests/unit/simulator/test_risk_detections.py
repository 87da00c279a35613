from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

import pytest

from emberwatch.simulator import RiskDetectionScenario, ScenarioError
from tests.unit.simulator.worlds import CLIENT_ID, NOW, UPN, Answer, Lab, app, lab, user

BOB = "bob@corp.example"
PATH = "/identityProtection/riskDetections"
ROLES = ("IdentityRiskEvent.Read.All", "Directory.Read.All")
EARLY, LATE = NOW - timedelta(days=20), NOW - timedelta(days=1)


def found(name: str, upn: str, detected: datetime, kind: str = "leakedCredentials") -> RiskDetectionScenario:
    return RiskDetectionScenario(id=name, upn=upn, detected=detected, risk_event_type=kind)


def world(**changes: Any) -> Lab:
    plain: dict[str, Any] = {
        "users": [user(), user(upn=BOB, mail=None)],
        "apps": [app(granted_roles=ROLES)],
        "premium": True,
        "detections": (
            found("ann-early", UPN, EARLY),
            found("ann-late", UPN, LATE),
            found("ann-travel", UPN, LATE, "unlikelyTravel"),
            found("bob-late", BOB, LATE),
        ),
    }
    return lab(**{**plain, **changes})


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.body["value"]]


def filtered(own: Lab, text: str, **options: str) -> Answer:
    more = "".join(f"&${name}={quote(value)}" for name, value in options.items())
    return own.graph(f"{PATH}?$filter={quote(text)}{more}")


ANN = world().user().id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("riskEventType eq 'leakedCredentials'", ["ann-early", "ann-late", "bob-late"]),
        ("riskEventType eq 'LEAKEDCREDENTIALS'", ["ann-early", "ann-late", "bob-late"]),
        (f"userId eq '{ANN}'", ["ann-early", "ann-late", "ann-travel"]),
        (f"detectedDateTime ge {LATE:%Y-%m-%dT%H:%M:%SZ}", ["ann-late", "ann-travel", "bob-late"]),
        (f"detectedDateTime le {EARLY:%Y-%m-%dT%H:%M:%S}+00:00", ["ann-early"]),
        (
            f"riskEventType eq 'leakedCredentials' and userId eq '{ANN}' and "
            f"detectedDateTime ge {LATE:%Y-%m-%dT%H:%M:%SZ}",
            ["ann-late"],
        ),
        (f"userPrincipalName eq '{BOB}' or riskEventType eq 'unlikelyTravel'", ["ann-travel", "bob-late"]),
        ("riskEventType eq 'none'", []),
    ],
)
def test_filters(text: str, expected: list[str]) -> None:
    assert ids(world().graph(PATH)) == ["ann-early", "ann-late", "ann-travel", "bob-late"]
    assert ids(filtered(world(), text)) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("riskDetail eq 'none'", "Request_UnsupportedQuery"),
        ("detectedDateTime ge '2026-01-01T00:00:00Z'", "BadRequest"),
        ("detectedDateTime ge 2026-01-01T00:00:00", "BadRequest"),
        ("detectedDateTime ge soon", "BadRequest"),
        ("riskEventType eq", "BadRequest"),
    ],
)
def test_filters_that_are_refused(text: str, code: str) -> None:
    assert filtered(world(), "riskEventType eq 'leakedCredentials'").status == 200
    refused = filtered(world(), text)
    assert (refused.status, refused.error) == (400, code)


def test_pages_hold_each_finding_once_even_when_one_is_added_in_between() -> None:
    own = world()
    first = filtered(own, "riskEventType eq 'leakedCredentials'", top="2")
    own.directory.detect(found("bob-new", BOB, NOW))
    link = first.body["@odata.nextLink"]
    second = own.get(link, {"authorization": f"Bearer {own.bearer()}"})
    assert ids(first) + ids(second) == ["ann-early", "ann-late", "bob-late", "bob-new"]
    assert "@odata.nextLink" not in second.body
    forged = own.get(f"{link}&$top=1", {"authorization": f"Bearer {own.bearer()}"})
    assert (forged.status, forged.error) == (400, "Directory_ExpiredPageToken")


@pytest.mark.parametrize("option", ["$top=501", "$top=0", "$orderby=riskLevel", "$search=x", "$select=shoe"])
def test_other_options_are_refused(option: str) -> None:
    assert world().graph(f"{PATH}?$top=500&$select=id,userId").status == 200
    assert world().graph(f"{PATH}?{option}").status == 400


def test_one_finding() -> None:
    own = world()
    answer = own.graph(f"{PATH}/bob-late?$select=id,userId,detectedDateTime")
    assert {name: value for name, value in answer.body.items() if not name.startswith("@")} == {
        "id": "bob-late",
        "userId": own.user(BOB).id,
        "detectedDateTime": "2026-05-03T12:00:00Z",
    }
    assert own.graph(f"{PATH}/none").status == 404
    assert own.graph(f"{PATH}/bob-late?$select=shoe").status == 400


def test_a_finding_shows_from_its_time_on() -> None:
    own = world(detections=(found("soon", UPN, NOW + timedelta(minutes=1)),))
    assert ids(own.graph(PATH)) == []
    assert own.graph(f"{PATH}/soon").status == 404
    own.clock.advance(60)
    assert ids(own.graph(PATH)) == ["soon"]


def test_a_finding_stays_with_its_account() -> None:
    gone = user(upn=BOB, mail=None, deleted=NOW - timedelta(days=5))
    own = world(users=[user(), gone], detections=(found("old", BOB, EARLY),))
    (row,) = own.graph(PATH).body["value"]
    assert row["userId"] == gone.object_id
    both = world(users=[user(upn=BOB, mail=None), user(), gone], detections=(found("new", BOB, LATE),))
    (row,) = both.graph(PATH).body["value"]
    assert row["userId"] == both.user(BOB).id
    with pytest.raises(ScenarioError, match="is not in the directory"):
        own.directory.detect(found("x", "nobody@corp.example", NOW))


@pytest.mark.parametrize(
    ("refusal", "status"), [("Forbidden", 403), ("AccessDenied", 403), ("AadPremiumLicenseRequired", 400)]
)
def test_without_the_licence_it_refuses_in_the_chosen_way(
    refusal: Literal["Forbidden", "AccessDenied", "AadPremiumLicenseRequired"], status: int
) -> None:
    assert world(premium_refusal=refusal).graph(PATH).status == 200
    for path in (PATH, f"{PATH}/bob-late"):
        refused = world(premium=False, premium_refusal=refusal).graph(path)
        assert (refused.status, refused.error) == (status, refusal)


def test_one_request_a_second_for_all_apps_together() -> None:
    other = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    own = world(
        apps=[app(granted_roles=ROLES), app(client_id=other, granted_roles=ROLES)],
        one_protection_request_a_second=True,
    )
    ours = str(own.app_token(client_id=CLIENT_ID).body["access_token"])
    theirs = str(own.app_token(client_id=other).body["access_token"])
    assert own.graph(PATH, token=ours).status == 200
    for token, path in ((ours, PATH), (theirs, PATH), (ours, f"{PATH}/bob-late")):
        refused = own.graph(path, token=token)
        assert (refused.status, refused.error) == (429, "TooManyRequests")
        assert "Retry-After" not in refused.headers
    assert own.graph("/users", token=ours).status == 200
    own.clock.advance(1)
    assert own.graph(PATH, token=theirs).status == 200


def test_without_the_limit_nobody_waits() -> None:
    own = world()
    assert [own.graph(PATH).status for _ in range(5)] == [200] * 5
