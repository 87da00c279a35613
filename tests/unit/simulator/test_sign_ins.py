from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from emberwatch.simulator import ScriptedAnswer, sign_in_as_others
from emberwatch.simulator.sign_in_log import OTHER_ADDRESS, OTHER_CLIENT_ID
from tests.unit.simulator.worlds import CLIENT_ID, NOW, PASSWORD, UPN, Answer, Lab, a_guid, app, lab, user

BOB = "bob@corp.example"
PATH = "/auditLogs/signIns"
ADDRESS = "203.0.113.9"


def world(**changes: Any) -> Lab:
    plain: dict[str, Any] = {
        "users": [user(), user(upn=BOB, mail=None)],
        "apps": [app(granted_roles=("AuditLog.Read.All",))],
        "premium": True,
    }
    return lab(**{**plain, **changes})


def rows(own: Lab, text: str = "", **options: str) -> list[dict[str, Any]]:
    asked = {**({"filter": text} if text else {}), **options}
    query = "&".join(f"${name}={quote(value)}" for name, value in asked.items())
    answer = own.graph(f"{PATH}?{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body["value"]
    return found


def codes(own: Lab, text: str = "") -> list[int]:
    return [row["status"]["errorCode"] for row in rows(own, text)]


def grant(own: Lab, password: str, username: str = UPN, request_id: str = "") -> Answer:
    form = {"grant_type": "password", "username": username, "password": password, "scope": "openid"}
    request = own.token_request(**form)
    headers = {**request.headers, "client-request-id": request_id}
    return own.send(replace(request, headers=headers, source=ADDRESS))


def test_what_stands_in_the_log_of_a_try() -> None:
    own, request_id = world(), a_guid()
    answer = grant(own, "Canary-77", request_id=request_id)
    (row,) = rows(own)
    assert row["id"] == answer.headers["x-ms-request-id"]
    assert row["correlationId"] == request_id
    assert (row["userId"], row["userPrincipalName"]) == (own.user().id, UPN)
    assert (row["appId"], row["ipAddress"]) == (CLIENT_ID, ADDRESS)
    assert row["createdDateTime"] == "2026-05-04T12:00:00Z"
    assert row["status"]["errorCode"] == 50126
    assert row["status"]["failureReason"] == "The user name or the password is wrong."
    assert (row["isInteractive"], row["clientAppUsed"]) == (True, "Mobile Apps and Desktop clients")
    assert "Canary-77" not in str(row)


@pytest.mark.parametrize(
    ("changes", "password", "code"),
    [
        ({}, PASSWORD, 0),
        ({"mfa": "required"}, PASSWORD, 50076),
        ({"enabled": False}, PASSWORD, 50057),
        ({"locked_seconds": 60.0}, PASSWORD, 50053),
        ({"blocked_by_policies": ("p1",)}, PASSWORD, 53003),
        ({"answer": ScriptedAnswer(code=599999)}, "wrong", 599999),
    ],
)
def test_every_outcome_that_reached_an_account_is_there(
    changes: dict[str, Any], password: str, code: int
) -> None:
    own = world(users=[user(**changes)])
    grant(own, password)
    (row,) = rows(own)
    assert row["status"]["errorCode"] == code
    assert row["status"]["failureReason"]
    assert row["conditionalAccessStatus"] == ("failure" if code == 53003 else "notApplied")


def test_what_reached_no_account_is_not_there() -> None:
    own = world()
    assert grant(own, "wrong", "nobody@corp.example").code == 50034
    assert own.sign_in(client_secret="wrong").code == 7000215
    assert rows(own) == []
    grant(own, "wrong")
    assert codes(own) == [50126]


def test_others_stand_there_with_their_own_application_and_address() -> None:
    own = world(users=[user(failures_by_others=2)], lockout_threshold=3)
    assert sign_in_as_others(own.directory, UPN, "guess") == 50126
    own.directory.fail_as_others(own.user(), 1)
    assert own.sign_in(PASSWORD).code == 50053
    found = rows(own, f"appId eq '{OTHER_CLIENT_ID}'")
    assert {row["ipAddress"] for row in found} == {OTHER_ADDRESS}
    assert [row["status"]["errorCode"] for row in found] == [50053, 50126, 50126, 50126]
    assert len({row["id"] for row in found} | {row["correlationId"] for row in found}) == 8
    assert codes(own, f"appId eq '{CLIENT_ID}'") == [50053]


def three_hours(**changes: Any) -> Lab:
    """Right and wrong tries of two accounts, one each hour."""
    own = world(**changes)
    for password in ("w1", PASSWORD, "w2"):
        grant(own, password)
        grant(own, password, BOB)
        own.clock.advance(3600)
    return own


ANN = world().user().id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [50126, 50126, 0, 0, 50126, 50126]),
        (f"userId eq '{ANN}'", [50126, 0, 50126]),
        ("createdDateTime ge 2026-05-04T13:00:00Z", [50126, 50126, 0, 0]),
        ("createdDateTime ge 2026-05-04T13:00:01Z", [50126, 50126]),
        ("createdDateTime le 2026-05-04T13:00:00Z", [0, 0, 50126, 50126]),
        ("createdDateTime eq 2026-05-04T13:00:00.000Z", [0, 0]),
        ("createdDateTime ge 2026-05-04T14:00:00+01:00 and createdDateTime le 2026-05-04T13:30:00Z", [0, 0]),
        ("createdDateTime ge 2026-05-05T00:00:00Z", []),
        ("status/errorCode eq 0", [0, 0]),
        ("createdDateTime ge 2026-05-04T13:00:00Z and status/errorCode eq 50126", [50126, 50126]),
        (f"status/errorCode eq 50126 and userId eq '{ANN}' and appId eq '{CLIENT_ID}'", [50126, 50126]),
        (f"appId eq '{OTHER_CLIENT_ID}'", []),
        ("createdDateTime ge 2026-05-04T14:00:00Z or createdDateTime le 2026-05-04T12:00:00Z", [50126] * 4),
        ("not (createdDateTime ge 2026-05-04T13:00:00Z)", [50126, 50126]),
    ],
)
def test_filters(text: str, expected: list[int]) -> None:
    assert codes(three_hours(), text) == expected


@pytest.mark.parametrize(
    "query",
    [
        "$filter=status/errorCode eq '50126'",
        "$filter=status/errorCode gt 1",
        "$filter=isInteractive eq true",
        "$filter=createdDateTime ge yesterday",
        "$orderby=createdDateTime asc",
        "$top=1001",
        "$skip=1",
        "$count=true",
        "$select=shoe",
    ],
)
def test_what_is_refused(query: str) -> None:
    good = "$filter=status/errorCode eq 50126&$orderby=createdDateTime desc&$top=1000&$select=id"
    assert three_hours().graph(f"{PATH}?{quote(good, safe='$=&')}").status == 200
    assert three_hours().graph(f"{PATH}?{quote(query, safe='$=&')}").status == 400


def test_pages_neither_repeat_nor_skip_while_sign_ins_go_on() -> None:
    own = three_hours()
    first = own.graph(f"{PATH}?$top=4")
    grant(own, "w3")
    second = own.get(first.body["@odata.nextLink"], {"authorization": f"Bearer {own.bearer()}"})
    seen = [row["id"] for answer in (first, second) for row in answer.body["value"]]
    assert seen == [row["id"] for row in rows(own)[1:]]
    assert "@odata.nextLink" not in second.body
    assert "@odata.nextLink" not in own.graph(f"{PATH}?$top=7").body


def test_one_entry() -> None:
    own = three_hours()
    newest = rows(own)[0]
    answer = own.graph(f"{PATH}/{newest['id'].upper()}")
    assert {name: answer.body[name] for name in newest} == newest
    assert own.graph(f"{PATH}/{a_guid()}").status == 404


def test_entries_show_after_the_delay() -> None:
    own = world(sign_in_log_delay=300.0)
    entry = grant(own, "wrong").headers["x-ms-request-id"]
    own.clock.advance(299)
    assert codes(own) == []
    assert own.graph(f"{PATH}/{entry}").status == 404
    own.clock.advance(1)
    assert codes(own) == [50126]
    assert own.graph(f"{PATH}/{entry}").status == 200


def test_entries_are_kept_for_thirty_days() -> None:
    own = world()
    grant(own, "wrong")
    own.clock.advance(timedelta(days=30).total_seconds())
    assert codes(own) == [50126]
    own.clock.advance(1)
    assert codes(own) == []


def test_a_directory_without_the_licence_is_refused() -> None:
    assert world().graph(PATH).status == 200
    for path in (PATH, f"{PATH}/{a_guid()}"):
        refused = world(premium=False).graph(path)
        assert refused.status == 403
        assert refused.error == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


def test_a_deleted_account_keeps_its_entries() -> None:
    own = world()
    grant(own, "wrong")
    own.directory.change_user(UPN, deleted=NOW)
    (row,) = rows(own)
    assert row["userPrincipalName"] == UPN
