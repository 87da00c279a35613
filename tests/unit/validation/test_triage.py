"""Every rule of triage decides its own case, and leaves the neighbouring case to an attempt."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts, Authentication, DomainFacts, Lookup
from emberwatch.validation.triage import CredentialFacts, Decision, Facts, NeedsAttempt, SiblingFacts, triage

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DOMAINS = (
    DomainFacts("contoso.example", True, Authentication.MANAGED),
    DomainFacts("fed.contoso.example", True, Authentication.FEDERATED),
    DomainFacts("new.contoso.example", False, Authentication.MANAGED),
)
ACCOUNT = AccountFacts(
    object_id=UUID(int=7),
    user_principal_name="ann@contoso.example",
    display_name="Ann",
    mail="",
    enabled=True,
    user_type="Member",
    synced=False,
    last_password_change_at=NOW - timedelta(days=300),
    created_at=None,
    password_policies="",
    read_at=NOW,
    found_by="userPrincipalName",
)
CREDENTIAL = CredentialFacts(
    login="ann@contoso.example",
    login_domain="contoso.example",
    is_hash=False,
    length=12,
    blank_edged=False,
    leaked_at=NOW - timedelta(days=10),
)


def facts(account: AccountFacts | None = ACCOUNT, *, complete: bool = True, **credential: object) -> Facts:
    lookup = Lookup(account, NOW, ("userPrincipalName",), complete)
    return Facts(dataclasses.replace(CREDENTIAL, **credential), lookup, DOMAINS)  # type: ignore[arg-type]


def account(**changes: object) -> AccountFacts:
    return dataclasses.replace(ACCOUNT, **changes)  # type: ignore[arg-type]


def test_an_ordinary_account_needs_an_attempt() -> None:
    assert triage(facts()) == NeedsAttempt(ACCOUNT)


SIBLING = SiblingFacts("c1", NOW - timedelta(days=5))

CASES = [
    ("hash only", facts(is_hash=True), Verdict.NOT_TESTABLE),
    ("domain not verified here", facts(login_domain="new.contoso.example"), Verdict.NOT_TESTABLE),
    ("domain not verified here", facts(login_domain="sub.contoso.example"), Verdict.NOT_TESTABLE),
    ("domain not verified here", facts(login_domain=""), Verdict.NOT_TESTABLE),
    ("longer than any password", facts(length=257), Verdict.IMPOSSIBLE),
    ("account not found", facts(None), Verdict.ACCOUNT_NOT_FOUND),
    ("account disabled", facts(account(enabled=False)), Verdict.ACCOUNT_DISABLED),
    ("guest account", facts(account(user_type="Guest")), Verdict.NOT_TESTABLE),
    (
        "guest account",
        facts(account(user_principal_name="x_y.test#EXT#@contoso.example")),
        Verdict.NOT_TESTABLE,
    ),
    ("federated domain", facts(account(user_principal_name="ann@fed.contoso.example")), Verdict.NOT_TESTABLE),
    (
        "sign-in domain not verified here",
        facts(account(user_principal_name="ann@elsewhere.example")),
        Verdict.NOT_TESTABLE,
    ),
    ("blank at an edge", facts(blank_edged=True), Verdict.NOT_TESTABLE),
    ("another password was confirmed", facts(confirmed_sibling=SIBLING), Verdict.SUPERSEDED),
]


@pytest.mark.parametrize(("rule", "given", "verdict"), CASES, ids=[case[0] for case in CASES])
def test_each_rule(rule: str, given: Facts, verdict: Verdict) -> None:
    decision = triage(given)
    assert isinstance(decision, Decision)
    assert (decision.rule, decision.verdict) == (rule, verdict)
    assert decision.because


@pytest.mark.parametrize(
    "given",
    [
        facts(length=256),
        facts(account(enabled=None)),
        facts(account(enabled=True, user_type="Member")),
        facts(confirmed_sibling=SiblingFacts("c1", NOW - timedelta(days=301))),
    ],
)
def test_the_neighbouring_case_needs_an_attempt(given: Facts) -> None:
    assert isinstance(triage(given), NeedsAttempt)


def test_nothing_is_decided_before_the_account_was_looked_up() -> None:
    assert triage(Facts(CREDENTIAL, None, DOMAINS)) is None


def test_an_incomplete_search_makes_not_found_only_likely() -> None:
    whole, part = triage(facts(None)), triage(facts(None, complete=False))
    assert isinstance(whole, Decision)
    assert isinstance(part, Decision)
    assert (whole.certainty, part.certainty) == (Certainty.PROVED, Certainty.LIKELY)
    assert part.why_not_more_certain


def test_a_password_changed_since_the_leak_is_tried_with_a_note() -> None:
    answer = triage(facts(account(last_password_change_at=NOW)))
    assert isinstance(answer, NeedsAttempt)
    assert "set back" in answer.notes[0]


def test_a_refusal_and_its_success_differ_in_one_fact_only() -> None:
    """A verdict that turns green never follows from a missing fact."""
    unknown = account(enabled=None, user_type="", last_password_change_at=None)
    assert isinstance(triage(facts(unknown)), NeedsAttempt)
