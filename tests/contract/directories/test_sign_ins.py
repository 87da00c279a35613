"""What every directory answers to an attempt."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts, Directory, SignInReply
from tests.contract.directories.worlds import RIGHT, THRESHOLD, World
from tests.unit.simulator.worlds import NOW

WRONG = "Wrong-Passw0rd"


def account(directory: Directory, login: str) -> AccountFacts:
    found = directory.find_account(login).account
    assert found is not None
    return found


def attempt(directory: Directory, login: str, password: str, request_id: UUID | None = None) -> SignInReply:
    return directory.sign_in(account(directory, login), Secret(password), request_id or uuid4())


@pytest.mark.parametrize(
    ("login", "password", "verdict", "code"),
    [
        ("ann@corp.example", RIGHT, Verdict.ACTIVE, "200"),
        ("ann.alias@corp.example", RIGHT, Verdict.ACTIVE, "200"),
        ("ann@corp.example", WRONG, Verdict.INACTIVE, "AADSTS50126"),
        ("mfa@corp.example", RIGHT, Verdict.ACTIVE_CHALLENGED, "AADSTS50076"),
        ("mfa@corp.example", WRONG, Verdict.INACTIVE, "AADSTS50126"),
        ("dis@corp.example", RIGHT, Verdict.ACCOUNT_DISABLED, "AADSTS50057"),
        ("nopass@corp.example", WRONG, Verdict.NOT_TESTABLE, "AADSTS50056"),
        ("gus@home.example", WRONG, Verdict.NOT_TESTABLE, "AADSTS50020"),
        ("ann@corp.example", "x" * 257, Verdict.IMPOSSIBLE, "AADSTS50052"),
        ("new@corp.example", RIGHT, Verdict.INCONCLUSIVE, "AADSTS599999"),
    ],
)
def test_one_attempt_gives_one_verdict(
    world: World, login: str, password: str, verdict: Verdict, code: str
) -> None:
    request_id = uuid4()
    reply = attempt(world.directory(), login, password, request_id)
    assert (reply.verdict, reply.code) == (verdict, code)
    assert (reply.correlation_id, reply.answered_at) == (str(request_id), NOW)
    right = verdict in (Verdict.ACTIVE, Verdict.ACTIVE_CHALLENGED)
    assert reply.counts_as_failed is not right
    assert bool(reply.why_not_more_certain) is (reply.certainty is not Certainty.PROVED)
    assert password not in repr(reply)
    upn = account(world.directory(), login).user_principal_name
    assert world.attempts_for(upn) == 1


def test_a_federated_domain_calls_a_right_password_wrong(world: World) -> None:
    """Why triage must keep such accounts away from attempts."""
    assert attempt(world.directory(), "fed@fed.example", RIGHT).code == "AADSTS50126"


def test_an_unknown_code_is_kept_for_counting(world: World) -> None:
    assert attempt(world.directory(), "new@corp.example", RIGHT).unknown_codes == (599999,)


def test_too_many_wrong_passwords_lock_even_the_right_one_for_a_while(world: World) -> None:
    directory = world.directory()
    for number in range(THRESHOLD):
        assert attempt(directory, "bob@corp.example", f"{WRONG}{number}").verdict is Verdict.INACTIVE
    locked = attempt(directory, "bob@corp.example", RIGHT)
    assert (locked.verdict, locked.certainty, locked.code) == (Verdict.LOCKED, None, "AADSTS50053")
    world.advance(timedelta(minutes=2))
    assert attempt(directory, "bob@corp.example", RIGHT).verdict is Verdict.ACTIVE


def test_the_same_wrong_password_counts_once(world: World) -> None:
    directory = world.directory()
    for _ in range(THRESHOLD + 1):
        assert attempt(directory, "bob@corp.example", WRONG).verdict is Verdict.INACTIVE
