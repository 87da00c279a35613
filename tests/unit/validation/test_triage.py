"""Every rule of triage decides its own case, and leaves the neighbouring case to an attempt."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import (
    AccountFacts,
    Authentication,
    DomainFacts,
    LeakDetection,
    Lookup,
    Membership,
    Memberships,
)
from emberwatch.validation.policy import Hybrid, ProtectedKind, Statement
from emberwatch.validation.triage import RULES, triage
from emberwatch.validation.triage_facts import (
    NOTHING_STATED,
    CredentialFacts,
    Decision,
    Facts,
    LeakDate,
    Needs,
    NeedsAttempt,
    Protected,
    SiblingFacts,
)

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


NO_GROUPS = Memberships((), NOW)
ADMIN_ROLE = Membership("62e90394-69f5-4237-9190-012177145e10", "Global Administrator", True, True)
READERS_ROLE = Membership("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Directory Readers", True, False)
VIP_GROUP = Membership("11111111-0000-4000-8000-00000000000a", "Board", False, False)
PHS = Statement(hybrid=Hybrid.PASSWORD_HASH_SYNC)


def facts(
    account: AccountFacts | None = ACCOUNT,
    *,
    complete: bool = True,
    memberships: Memberships | None = NO_GROUPS,
    statement: Statement = NOTHING_STATED,
    protected: frozenset[Protected] = frozenset(),
    leak_detection: LeakDetection | None = None,
    without_password_since: datetime | None = None,
    confirming: bool = False,
    **credential: object,
) -> Facts:
    return Facts(
        dataclasses.replace(CREDENTIAL, **credential),  # type: ignore[arg-type]
        Lookup(account, NOW, ("userPrincipalName",), complete),
        DOMAINS,
        statement,
        protected,
        memberships,
        leak_detection=leak_detection,
        without_password_since=without_password_since,
        confirming=confirming,
    )


def account(**changes: object) -> AccountFacts:
    return dataclasses.replace(ACCOUNT, **changes)  # type: ignore[arg-type]


def days(count: float) -> timedelta:
    return timedelta(days=count)


SIBLING = SiblingFacts("c1", NOW - days(5))
FEDERATED = account(user_principal_name="ann@fed.contoso.example", synced=True)
STATED = Statement(Hybrid.PASSWORD_HASH_SYNC, cloud_password_validation=True)
CHANGED = account(last_password_change_at=NOW - days(1))
DETECTED = LeakDetection("d1", ACCOUNT.object_id, NOW)
LEAKED = CREDENTIAL.leaked_at or NOW
SHARED = dataclasses.replace(
    facts(), lookup=Lookup(None, NOW, ("mail",), True, candidates=(ACCOUNT, account(object_id=uuid4())))
)
ON_THE_LIST = frozenset({Protected(ProtectedKind.ACCOUNT, "ann@contoso.example")})
BY_ID = frozenset({Protected(ProtectedKind.ACCOUNT, str(ACCOUNT.object_id))})
BY_GROUP = frozenset({Protected(ProtectedKind.GROUP, VIP_GROUP.key)})
BY_ROLE = frozenset({Protected(ProtectedKind.ROLE, READERS_ROLE.key)})
OPTED_IN = Statement(test_privileged=True)

NOT_TESTABLE, SUPERSEDED, IMPOSSIBLE = Verdict.NOT_TESTABLE, Verdict.SUPERSEDED, Verdict.IMPOSSIBLE
PROVED, LIKELY = Certainty.PROVED, Certainty.LIKELY

# The rule, facts that meet it, its verdict and certainty; and the nearest facts that leave the question open.
CASES: list[tuple[str, Facts, Verdict, Certainty | None, Facts | None]] = [
    ("hash only", facts(is_hash=True), NOT_TESTABLE, None, facts()),
    ("domain not verified here", facts(login_domain="new.contoso.example"), NOT_TESTABLE, None, facts()),
    ("domain not verified here", facts(login_domain="sub.contoso.example"), NOT_TESTABLE, None, facts()),
    ("domain not verified here", facts(login_domain=""), NOT_TESTABLE, None, facts()),
    ("longer than any password", facts(length=257), IMPOSSIBLE, LIKELY, facts(length=256)),
    ("several accounts", SHARED, NOT_TESTABLE, None, facts()),
    ("account not found", facts(None), Verdict.ACCOUNT_NOT_FOUND, PROVED, facts()),
    ("account not found", facts(None, complete=False), Verdict.ACCOUNT_NOT_FOUND, LIKELY, facts()),
    (
        "account disabled",
        facts(account(enabled=False)),
        Verdict.ACCOUNT_DISABLED,
        PROVED,
        facts(account(enabled=None)),
    ),
    ("guest account", facts(account(user_type="Guest")), NOT_TESTABLE, None, facts(account(user_type=""))),
    ("guest account", facts(account(external=True)), NOT_TESTABLE, None, facts()),
    (
        "guest account",
        facts(account(user_principal_name="x_y.test#EXT#@contoso.example")),
        NOT_TESTABLE,
        None,
        facts(account(user_principal_name="x_y.test@contoso.example")),
    ),
    (
        "sign-in domain not verified here",
        facts(account(user_principal_name="ann@elsewhere.example")),
        NOT_TESTABLE,
        None,
        facts(),
    ),
    ("federated domain", facts(FEDERATED), NOT_TESTABLE, None, facts(FEDERATED, statement=STATED)),
    (
        "federated domain",
        facts(dataclasses.replace(FEDERATED, synced=False), statement=STATED),
        NOT_TESTABLE,
        None,
        facts(FEDERATED, statement=STATED),
    ),
    (
        "account without a password",
        facts(without_password_since=NOW - days(9)),
        NOT_TESTABLE,
        None,
        facts(without_password_since=NOW - days(301)),
    ),
    ("blank at an edge", facts(blank_edged=True), NOT_TESTABLE, None, facts()),
    (
        "another password was confirmed",
        facts(confirmed_sibling=SIBLING),
        SUPERSEDED,
        PROVED,
        facts(confirmed_sibling=SiblingFacts("c1", NOW - days(301))),
    ),
    (
        "another password was confirmed",
        facts(account(synced=True), confirmed_sibling=SIBLING),
        SUPERSEDED,
        LIKELY,
        facts(account(synced=True)),
    ),
    (
        "another password was confirmed",
        facts(account(synced=True), confirmed_sibling=SIBLING, statement=PHS),
        SUPERSEDED,
        PROVED,
        facts(account(synced=True), statement=PHS),
    ),
    ("changed since the leak", facts(CHANGED), SUPERSEDED, LIKELY, facts(CHANGED, confirming=True)),
    ("changed since the leak", facts(CHANGED), SUPERSEDED, LIKELY, facts(CHANGED, leak_detection=DETECTED)),
    ("changed since the leak", facts(CHANGED), SUPERSEDED, LIKELY, facts(CHANGED, leaked_at=None)),
    ("against the password rules", facts(length=7), IMPOSSIBLE, LIKELY, facts(length=8)),
    ("against the password rules", facts(classes="a1"), IMPOSSIBLE, LIKELY, facts(classes="a1#")),
    ("against the password rules", facts(plain_characters=False), IMPOSSIBLE, LIKELY, facts()),
    (
        "against the password rules",
        facts(length=7),
        IMPOSSIBLE,
        LIKELY,
        facts(account(password_policies="DisableStrongPassword"), length=7),
    ),
    (
        "against the password rules",
        facts(length=7),
        IMPOSSIBLE,
        LIKELY,
        facts(account(synced=True), length=7),
    ),
    ("against the password rules", facts(length=7), IMPOSSIBLE, LIKELY, facts(length=7, confirming=True)),
    ("protected account", facts(protected=ON_THE_LIST), NOT_TESTABLE, None, facts()),
    ("protected account", facts(protected=BY_ID, confirming=True), NOT_TESTABLE, None, facts()),
    (
        "protected account",
        facts(protected=BY_GROUP, memberships=Memberships((VIP_GROUP,), NOW), statement=OPTED_IN),
        NOT_TESTABLE,
        None,
        facts(memberships=Memberships((VIP_GROUP,), NOW)),
    ),
    (
        "protected account",
        facts(protected=BY_ROLE, memberships=Memberships((READERS_ROLE,), NOW)),
        NOT_TESTABLE,
        None,
        facts(memberships=Memberships((READERS_ROLE,), NOW)),
    ),
    (
        "protected account",
        facts(memberships=Memberships((ADMIN_ROLE,), NOW)),
        NOT_TESTABLE,
        None,
        facts(memberships=Memberships((ADMIN_ROLE,), NOW), statement=OPTED_IN),
    ),
    (
        "protected account",
        dataclasses.replace(facts(memberships=None), memberships_refused="It could not be read."),
        NOT_TESTABLE,
        None,
        facts(),
    ),
]


@pytest.mark.parametrize(("rule", "met", "verdict", "certainty", "open_"), CASES)
def test_each_rule_decides_its_case_and_leaves_the_nearest_one_open(
    rule: str, met: Facts, verdict: Verdict, certainty: Certainty | None, open_: Facts | None
) -> None:
    decision = triage(met)
    assert isinstance(decision, Decision)
    assert (decision.rule, decision.verdict, decision.certainty) == (rule, verdict, certainty)
    assert decision.because
    assert decision.why_not_more_certain or certainty is PROVED
    assert open_ is None or isinstance(triage(open_), NeedsAttempt)


def test_every_rule_has_a_case() -> None:
    assert {rule.name for rule in RULES} == {case[0] for case in CASES}


@pytest.mark.parametrize("basis", list(LeakDate))
def test_the_date_of_the_leak_has_a_margin(basis: LeakDate) -> None:
    moment = LEAKED + basis.margin
    within = facts(account(last_password_change_at=moment), leak_date=basis)
    beyond = facts(account(last_password_change_at=moment + timedelta(seconds=1)), leak_date=basis)
    assert isinstance(triage(within), NeedsAttempt)
    decision = triage(beyond)
    assert isinstance(decision, Decision)
    assert basis.words in decision.because
    assert ("all that is known" in decision.why_not_more_certain) == (basis is LeakDate.FIRST_SEEN)


def test_facts_are_asked_for_only_when_the_question_is_still_open() -> None:
    assert triage(Facts(CREDENTIAL, None, DOMAINS)) is Needs.ACCOUNT
    assert triage(facts(memberships=None)) is Needs.MEMBERSHIPS
    assert isinstance(triage(facts(CHANGED, memberships=None)), Decision)
    assert isinstance(triage(facts(memberships=None, statement=OPTED_IN)), NeedsAttempt)


@pytest.mark.parametrize(
    ("hybrid", "single_try"),
    [
        (Hybrid.UNSTATED, True),
        (Hybrid.UNKNOWN, True),
        (Hybrid.PASS_THROUGH, True),
        (Hybrid.PASSWORD_HASH_SYNC, False),
    ],
)
def test_synced_accounts_get_one_try_until_the_operator_states_hash_sync(
    hybrid: Hybrid, single_try: bool
) -> None:
    answer = triage(facts(account(synced=True), statement=Statement(hybrid)))
    assert isinstance(answer, NeedsAttempt)
    assert answer.single_try is single_try
    assert any("stated" in note for note in answer.notes) == (hybrid in (Hybrid.UNSTATED, Hybrid.UNKNOWN))


def test_wrong_proves_little_where_the_cloud_checks_a_federated_password() -> None:
    answer = triage(facts(FEDERATED, statement=STATED))
    assert isinstance(answer, NeedsAttempt)
    assert "federated" in answer.wrong_is_likely
    managed = triage(facts())
    assert isinstance(managed, NeedsAttempt)
    assert managed.wrong_is_likely == ""


def test_a_green_verdict_never_follows_from_a_missing_fact() -> None:
    unknown = account(enabled=None, user_type="", last_password_change_at=None)
    assert isinstance(triage(facts(unknown)), NeedsAttempt)
