"""One attempt: what is sent, and what the answer's edges mean."""

from __future__ import annotations

import traceback
from uuid import UUID

import pytest

from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Verdict
from emberwatch.directories.base import AccountFacts, DirectoryBusy, DirectoryMisconfigured, SignInReply
from tests.unit.directories.desk import NOW, Desk, Told, collection

REQUEST = UUID(int=5)


def ann() -> AccountFacts:
    return AccountFacts(
        object_id=UUID(int=1),
        user_principal_name="ann@contoso.example",
        display_name="",
        mail="",
        enabled=True,
        user_type="Member",
        synced=False,
        last_password_change_at=None,
        created_at=None,
        password_policies="",
        read_at=NOW,
        found_by="userPrincipalName",
    )


def attempt(told: Told, password: str = "Leaked-1") -> SignInReply:
    return (
        Desk(lambda asked: collection(), sign_in=told).directory().sign_in(ann(), Secret(password), REQUEST)
    )


def refused(*codes: int, status: int = 400, **headers: str) -> Told:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Told(status, {"error": "x", "error_codes": list(codes), "trace_id": "t"}, named)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("30", 30.0), ("Mon, 01 Jun 2026 12:00:45 GMT", 45.0), ("soon", None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_throttled_attempt_says_how_long_to_wait(status: int, told: str, seconds: float | None) -> None:
    reply = attempt(refused(90055, status=status, Retry_After=told))
    assert (reply.verdict, reply.retry_after) == (Verdict.INCONCLUSIVE, seconds)
    assert reply.counts_as_failed


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttled_attempt_that_did_not_come_from_the_service(status: int) -> None:
    reply = attempt(Told(status, {}, {"Retry-After": "30"}))
    assert (reply.verdict, reply.code, reply.retry_after) == (Verdict.INCONCLUSIVE, f"HTTP {status}", 30.0)


def test_an_account_without_a_password() -> None:
    reply = attempt(refused(50056))
    assert (reply.verdict, reply.code, reply.certainty) == (Verdict.NOT_TESTABLE, "AADSTS50056", None)


def test_a_value_that_is_no_text_is_not_sent_and_not_shown() -> None:
    desk = Desk(lambda asked: collection(), sign_in=refused(50126))
    reply = desk.directory().sign_in(ann(), Secret("Pass\udc80word"), REQUEST)
    assert (reply.verdict, reply.http_status, reply.counts_as_failed) == (Verdict.NOT_TESTABLE, None, False)
    assert "Pass" not in repr(reply)
    assert attempt(refused(50126)).verdict is Verdict.INACTIVE


@pytest.mark.parametrize("told", ["20", "Mon, 01 Jun 2026 12:00:20 GMT"])
@pytest.mark.parametrize("status", [400, 429, 500, 503])
@pytest.mark.parametrize(
    "body", [{"error": "x", "error_codes": [90055], "error_description": "AADSTS90055: x"}, {}]
)
def test_a_throttled_token_for_graph_keeps_its_wait(told: str, status: int, body: dict[str, object]) -> None:
    desk = Desk(lambda asked: collection(), token=Told(status, body, {"Retry-After": told}))
    with pytest.raises(DirectoryBusy) as caught:
        desk.directory().find_account("ann@contoso.example")
    assert caught.value.retry_after == 20.0
    assert caught.value.code == ("AADSTS90055" if body else str(status))


def test_a_wrong_secret_is_no_throttling() -> None:
    body = {"error": "invalid_client", "error_codes": [7000215], "error_description": "AADSTS7000215: x"}
    desk = Desk(lambda asked: collection(), token=Told(401, body, {"Retry-After": "5"}))
    with pytest.raises(DirectoryMisconfigured) as caught:
        desk.directory().find_account("ann@contoso.example")
    assert caught.value.code == "AADSTS7000215"
    assert "Zx8Q" not in "".join(traceback.format_exception(caught.value))
