"""Leak detections and the sign-in log: what they tell, and how their refusals read."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid5

import pytest

from emberwatch.directories.base import (
    CheckState,
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    LeakDetector,
    NotOffered,
    SignInLog,
)
from tests.unit.directories.desk import ALL_ROLES, GRAPH, NOW, Asked, Desk, Told, collection, refusal
from tests.world import APP

ANN, BOB = uuid5(UUID(int=7), "ann"), uuid5(UUID(int=7), "bob")


def detection(
    key: str, account: object = ANN, at: str = "2026-05-01T08:00:00Z", **changes: object
) -> dict[str, object]:
    row = {"id": key, "userId": str(account), "riskEventType": "leakedCredentials", "detectedDateTime": at}
    return row | changes


def test_detections_of_the_wanted_accounts_newest_first() -> None:
    rows = (
        detection("1"),
        detection("2", at="2026-05-02T08:00:00.1234567Z"),
        detection("3", BOB),
        detection("4", riskEventType="unfamiliarFeatures"),
        detection("5", "not a GUID"),
        detection("6", detectedDateTime=None),
    )
    desk = Desk(lambda asked: collection(*rows))
    directory = desk.directory()
    assert isinstance(directory, LeakDetector)
    assert [each.detection_id for each in directory.leak_detections({ANN})] == ["2", "1"]
    assert [each.detection_id for each in directory.leak_detections([ANN, BOB])] == ["2", "1", "3"]
    assert directory.leak_detections([]) == ()
    assert len(desk.asked) == 1
    assert desk.asked[0].query["$filter"] == "riskEventType eq 'leakedCredentials'"


def test_the_listing_is_read_again_after_some_minutes() -> None:
    desk = Desk(lambda asked: collection(detection("1")))
    directory = desk.directory()
    for minutes in (0, 4, 6, -60):
        desk.now += timedelta(minutes=minutes)
        directory.leak_detections([ANN])
    assert len(desk.asked) == 3


NO_PERMISSION = refusal(403, "Authorization_RequestDenied")
PREMIUM = [
    refusal(403, "Forbidden", "Your tenant is not licensed for this feature."),
    refusal(403, "AccessDenied"),
    refusal(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
    refusal(400, "AadPremiumLicenseRequired"),
]


def ask(desk: Desk, ability: str) -> object:
    directory = desk.directory()
    return directory.leak_detections([ANN]) if ability == "detections" else directory.failed_sign_ins(NOW)


@pytest.mark.parametrize("ability", ["detections", "log"])
@pytest.mark.parametrize("refused", PREMIUM)
def test_a_missing_licence_is_a_plain_sentence(ability: str, refused: Told) -> None:
    with pytest.raises(NotOffered, match="licence does not include this"):
        ask(Desk(lambda asked: refused), ability)


@pytest.mark.parametrize(
    ("ability", "permission"), [("detections", "IdentityRiskEvent.Read.All"), ("log", "AuditLog.Read.All")]
)
@pytest.mark.parametrize("refused", [NO_PERMISSION, *PREMIUM])
def test_a_missing_permission_is_named(ability: str, permission: str, refused: Told) -> None:
    desk = Desk(lambda asked: refused, roles=("Directory.Read.All",))
    with pytest.raises(NotOffered, match=f"lacks the permission {permission}") as caught:
        ask(desk, ability)
    assert permission in caught.value.remedy


@pytest.mark.parametrize("ability", ["detections", "log"])
def test_a_cloud_without_the_ability(ability: str) -> None:
    gone = refusal(400, "BadRequest", "Resource not found for the segment 'identityProtection'.")
    with pytest.raises(NotOffered, match="cloud does not offer"):
        ask(Desk(lambda asked: gone), ability)


@pytest.mark.parametrize("ability", ["detections", "log"])
@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (refusal(429, "TooManyRequests", Retry_After="60"), DirectoryBusy),
        (refusal(401, "InvalidAuthenticationToken"), DirectoryMisconfigured),
        (refusal(400, "BadRequest"), DirectoryError),
        (Told(200, {"value": "x"}), DirectoryError),
    ],
)
def test_other_failures_are_not_taken_for_a_refusal(
    ability: str, refused: Told, kind: type[DirectoryError]
) -> None:
    with pytest.raises(kind) as caught:
        ask(Desk(lambda asked: refused), ability)
    assert not isinstance(caught.value, NotOffered)


def test_a_refusal_is_kept_and_a_disturbance_is_not() -> None:
    told = [NO_PERMISSION]
    desk = Desk(lambda asked: told[0])
    directory = desk.directory()
    for _ in range(3):
        with pytest.raises(NotOffered):
            directory.leak_detections([ANN])
    assert len(desk.asked) == 1

    told[0] = refusal(503, "ServiceUnavailable", Retry_After="60")
    other = desk.directory()
    with pytest.raises(DirectoryBusy):
        other.leak_detections([ANN])
    told[0] = collection(detection("1"))
    assert len(other.leak_detections([ANN])) == 1


def test_a_throttled_listing_without_a_told_wait_is_asked_again() -> None:
    told = [refusal(429, "TooManyRequests"), refusal(429, "TooManyRequests"), collection(detection("1"))]
    desk = Desk(lambda asked: told.pop(0))
    assert len(desk.directory().leak_detections([ANN])) == 1


def sign_in(account: object = ANN, code: int = 50126, **changes: object) -> dict[str, object]:
    row = {
        "id": "x",
        "createdDateTime": "2026-05-31T08:00:00Z",
        "userId": str(account),
        "appId": APP,
        "correlationId": "c-1",
        "status": {"errorCode": code},
    }
    return row | changes


def test_the_log_is_read_page_by_page() -> None:
    def answers(asked: Asked) -> Told:
        if asked.query.get("$skiptoken"):
            return collection(sign_in(BOB, appId=None))
        rows = (
            sign_in(),
            sign_in(code=50053),
            sign_in(UUID(int=0)),
            sign_in("nobody"),
            sign_in(status=None),
            sign_in(createdDateTime="soon"),
        )
        return collection(*rows, next_link=f"{GRAPH}/v1.0/auditLogs/signIns?$skiptoken=1")

    desk = Desk(answers)
    directory = desk.directory()
    assert isinstance(directory, SignInLog)
    rows = list(directory.failed_sign_ins(NOW - timedelta(hours=1, seconds=0.5)))
    assert [(row.object_id, row.client_id) for row in rows] == [(ANN, UUID(APP)), (BOB, None)]
    assert rows[0].correlation_id == "c-1"
    assert (
        desk.asked[0].query["$filter"]
        == "createdDateTime ge 2026-06-01T10:59:59Z and status/errorCode eq 50126"
    )


def test_a_failure_in_the_middle_of_the_log_is_not_swallowed() -> None:
    def answers(asked: Asked) -> Told:
        if asked.query.get("$skiptoken"):
            return refusal(429, "TooManyRequests", Retry_After="60")
        return collection(sign_in(), next_link=f"{GRAPH}/v1.0/auditLogs/signIns?$skiptoken=1")

    rows = Desk(answers).directory().failed_sign_ins(NOW)
    assert next(rows).object_id == ANN
    with pytest.raises(DirectoryBusy):
        next(rows)


@pytest.mark.parametrize(
    ("roles", "states"),
    [
        (ALL_ROLES, {"Leak detections": CheckState.OK, "Sign-in log": CheckState.OK}),
        (("Directory.Read.All",), {"Leak detections": CheckState.WARNING, "Sign-in log": CheckState.WARNING}),
        (
            ("Directory.Read.All", "IdentityRiskEvent.ReadWrite.All"),
            {"Leak detections": CheckState.OK, "Sign-in log": CheckState.WARNING},
        ),
    ],
)
def test_the_check_says_which_abilities_are_granted(
    roles: tuple[str, ...], states: dict[str, CheckState]
) -> None:
    report = Desk(lambda asked: collection(), roles=roles).directory().check(["contoso.example"])
    assert report.fault is None
    shown = {item.name: item for item in report.items if item.name in states}
    assert {name: item.state for name, item in shown.items()} == states
    assert all(item.remedy for item in shown.values() if item.state is CheckState.WARNING)
