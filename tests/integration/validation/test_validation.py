"""From a credential to its verdict, against a simulated directory over TLS, on real PostgreSQL."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import Conflict, NotAllowed
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.base import AccountFacts
from emberwatch.directories.models import ConnectionStatus
from emberwatch.directories.services import user_link
from emberwatch.exposures.models import Credential, VerdictRecord
from emberwatch.parsing.base import SecretKind
from emberwatch.simulator import FaultRule, ScriptedAnswer, UserScenario
from emberwatch.tenants.models import Tenant
from emberwatch.validation.attempting import Busy, Reserved, reserve_attempt
from emberwatch.validation.ledger import Request, reserve
from emberwatch.validation.models import Attempt, AttemptOrigin, AttemptState, Validation, ValidationState
from emberwatch.validation.services import fail_validation, request_validation, run_validation
from emberwatch.validation.triage_facts import NeedsAttempt
from tests.factories import connect, make_actor, make_credential, make_tenant, only_directory
from tests.integration.conftest import StartEntra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = pytest.mark.django_db

ANN = UserScenario(upn="ann@contoso.example", password=RIGHT)


def connected(*domains: str) -> Tenant:
    tenant = make_tenant(*domains)
    connect(tenant, DIRECTORY, APP, SECRET)
    return tenant


def validate(
    credential: Credential, after: timedelta = timedelta(0), *, confirm: bool = False
) -> VerdictRecord:
    now = utc_now() + after
    validation = request_validation(credential, actor=SYSTEM, now=now, confirm=confirm)
    run_validation(validation.id, clock=lambda: now)
    validation.refresh_from_db()
    credential.refresh_from_db()
    assert validation.state == ValidationState.DONE
    assert validation.verdict_record is not None
    return validation.verdict_record


def test_a_right_password_is_active_with_evidence_and_a_link(start_entra: StartEntra) -> None:
    entra = start_entra(ANN)
    tenant = connected()
    credential = make_credential(tenant, password=RIGHT)

    entry = validate(credential)

    assert (credential.verdict, credential.certainty) == (Verdict.ACTIVE, Certainty.PROVED)
    assert entry.evidence["method"] == "one sign-in"
    attempt = Attempt.objects.get()
    assert entry.evidence["correlation_id"] == str(attempt.id)
    sent = entra.journal.attempts_for("ann@contoso.example")
    assert [entry.correlation_id for entry in sent] == [str(attempt.id)]
    assert not attempt.counts_as_failed
    assert credential.identity is not None
    link = user_link(only_directory(tenant), credential.identity.object_id)
    view = "Microsoft_AAD_UsersAndTenants/UserProfileMenuBlade/~/overview/userId"
    assert link == f"{entra.portal_url}/#view/{view}/{ANN.object_id}"


@pytest.mark.parametrize(
    ("user", "verdict", "certainty", "attempts"),
    [
        (UserScenario(upn="u@contoso.example", password=RIGHT), Verdict.ACTIVE, "proved", 1),
        (UserScenario(upn="u@contoso.example", password="Other-1-other"), Verdict.INACTIVE, "proved", 1),
        (
            UserScenario(upn="u@contoso.example", password=RIGHT, mfa="required"),
            Verdict.ACTIVE_CHALLENGED,
            "proved",
            1,
        ),
        (
            UserScenario(upn="u@contoso.example", password=RIGHT, mfa="enroll"),
            Verdict.ACTIVE_CHALLENGED,
            "proved",
            1,
        ),
        (
            UserScenario(upn="u@contoso.example", password=RIGHT, password_expired=True),
            Verdict.ACTIVE_EXPIRED,
            "proved",
            1,
        ),
        (
            UserScenario(upn="u@contoso.example", password=RIGHT, enabled=False),
            Verdict.ACCOUNT_DISABLED,
            "proved",
            0,
        ),
        (
            UserScenario(upn="u@contoso.example", password=RIGHT, user_type="Guest"),
            Verdict.NOT_TESTABLE,
            "",
            0,
        ),
        (UserScenario(upn="u@contoso.example", password=None), Verdict.NOT_TESTABLE, "", 1),
        (UserScenario(upn="u@contoso.example", password=RIGHT, locked_seconds=600), Verdict.LOCKED, "", 1),
        (UserScenario(upn="other@contoso.example", password=RIGHT), Verdict.ACCOUNT_NOT_FOUND, "proved", 0),
        (
            UserScenario(upn="u@contoso.example", password=RIGHT, answer=ScriptedAnswer(code=599999)),
            Verdict.INCONCLUSIVE,
            "",
            1,
        ),
        (
            UserScenario(upn="u@fed.contoso.example", password=RIGHT, mail="u@contoso.example"),
            Verdict.NOT_TESTABLE,
            "",
            0,
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Verdict) else None,
)
def test_each_kind_of_account(
    start_entra: StartEntra, user: UserScenario, verdict: Verdict, certainty: str, attempts: int
) -> None:
    entra = start_entra(user)
    credential = make_credential(connected(), "U@Contoso.example", RIGHT)

    validate(credential)

    assert (credential.verdict, credential.certainty) == (verdict, certainty)
    assert len(entra.journal.attempts_for(user.upn)) == attempts == Attempt.objects.count()


@pytest.mark.parametrize(
    ("login", "password", "kind", "verdict"),
    [
        ("ann@contoso.example", "5f4dcc3b5aa765d61d8327deb882cf99", SecretKind.HASH, Verdict.NOT_TESTABLE),
        ("ann@contoso.example", "x" * 257, SecretKind.PLAINTEXT, Verdict.IMPOSSIBLE),
        ("ann@contoso.example", " " + RIGHT, SecretKind.PLAINTEXT, Verdict.NOT_TESTABLE),
        ("ann@sub.contoso.example", RIGHT, SecretKind.PLAINTEXT, Verdict.NOT_TESTABLE),
    ],
)
def test_what_is_never_sent(
    start_entra: StartEntra, login: str, password: str, kind: SecretKind, verdict: Verdict
) -> None:
    entra = start_entra(ANN)
    tenant = connected()
    refused = make_credential(tenant, login, password, kind=kind)
    accepted = make_credential(tenant, "ann@contoso.example", RIGHT)

    validate(refused)
    assert refused.verdict == verdict
    assert entra.journal.attempts_for("ann@contoso.example") == []

    validate(accepted)
    assert accepted.verdict == Verdict.ACTIVE


def test_a_wrong_pair_is_never_sent_twice_and_a_changed_password_allows_it_again(
    start_entra: StartEntra,
) -> None:
    entra = start_entra(ANN)
    credential = make_credential(connected(), password="Wrong-1-wrong", leaked_at=utc_now())

    validate(credential)
    entry = validate(credential, after=timedelta(days=30))
    assert credential.verdict == Verdict.INACTIVE
    assert entry.evidence["method"] == "an earlier answer, no sign-in"
    assert len(entra.journal.attempts_for("ann@contoso.example")) == 1

    entra.directory("contoso.example").change_user(
        "ann@contoso.example", last_password_change=utc_now() + timedelta(days=3)
    )
    entry = validate(credential, after=timedelta(days=30), confirm=True)
    assert entry.evidence["method"] == "one sign-in"
    assert len(entra.journal.attempts_for("ann@contoso.example")) == 2


def test_the_budget_holds_over_tenants_and_opens_again(start_entra: StartEntra) -> None:
    entra = start_entra(ANN)
    first, second = connected(), connected()
    wrong = [make_credential(first, password=f"Wrong-pass-{n}") for n in range(2)]
    more = [make_credential(second, password=f"Wrong-pass-{n}") for n in range(2, 4)]

    for credential in (*wrong, *more):
        validate(credential)

    assert [c.verdict for c in (*wrong, *more)] == ["inactive", "inactive", "throttled", "throttled"]
    assert len(entra.journal.attempts_for("ann@contoso.example")) == 2
    assert more[0].certainty == ""
    assert json.dumps(VerdictRecord.objects.filter(credential=more[0]).get().evidence)

    validate(more[0], after=timedelta(hours=25))
    assert more[0].verdict == Verdict.INACTIVE


def test_a_synced_account_gets_one_try(start_entra: StartEntra) -> None:
    start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT, synced=True))
    tenant = connected()
    tried, spared = (make_credential(tenant, password=f"Wrong-pass-{n}") for n in range(2))
    validate(tried)
    validate(spared)
    assert (tried.verdict, spared.verdict) == (Verdict.INACTIVE, Verdict.THROTTLED)


def test_a_confirmed_password_supersedes_the_others_without_an_attempt(start_entra: StartEntra) -> None:
    entra = start_entra(ANN)
    tenant = connected()
    right, other = make_credential(tenant, password=RIGHT), make_credential(tenant, password="Older-pass-1")

    validate(right)
    entry = validate(other)

    assert (other.verdict, other.certainty) == (Verdict.SUPERSEDED, Certainty.PROVED)
    assert str(right.id) in entry.evidence["because"]
    assert len(entra.journal.attempts_for("ann@contoso.example")) == 1


def test_a_password_changed_since_its_leak_is_tried_only_to_confirm(start_entra: StartEntra) -> None:
    changed = utc_now() - timedelta(days=1)
    entra = start_entra(UserScenario(upn="ann@contoso.example", password=RIGHT, last_password_change=changed))
    credential = make_credential(connected(), password=RIGHT, leaked_at=changed - timedelta(days=100))

    entry = validate(credential)
    assert (credential.verdict, credential.certainty) == (Verdict.SUPERSEDED, Certainty.LIKELY)
    assert entry.evidence["rule"] == "changed since the leak"
    assert entra.journal.attempts_for("ann@contoso.example") == []

    entry = validate(credential, confirm=True)
    assert (credential.verdict, credential.certainty) == (Verdict.ACTIVE, Certainty.PROVED)
    assert "set back" in entry.evidence["notes"][0]


def pressed(validation: Validation) -> Request:
    credential = validation.credential
    return Request(
        credential,
        only_directory(credential.tenant),
        "system",
        AttemptOrigin.PRESS,
        frozenset(),
        validation=validation,
    )


def facts_of_ann() -> AccountFacts:
    return AccountFacts(
        object_id=UUID(ANN.object_id),
        user_principal_name=ANN.upn,
        display_name="",
        mail="",
        enabled=True,
        user_type="Member",
        synced=False,
        last_password_change_at=None,
        created_at=None,
        password_policies="",
        read_at=utc_now(),
        found_by="userPrincipalName",
    )


def test_of_two_workers_at_one_validation_only_one_reserves(start_entra: StartEntra) -> None:
    start_entra(ANN)
    credential = make_credential(connected(), password=RIGHT)
    request = pressed(request_validation(credential, actor=SYSTEM, now=utc_now()))
    needed = NeedsAttempt(facts_of_ann())

    first = reserve_attempt(request, needed, Secret(RIGHT), actor=SYSTEM, now=utc_now())
    assert isinstance(first, Reserved)
    assert isinstance(reserve_attempt(request, needed, Secret(RIGHT), actor=SYSTEM, now=utc_now()), Busy)
    # Also when the first is through: the verdict is its own to write.
    Attempt.objects.update(state=AttemptState.ANSWERED, counts_as_failed=False)
    assert isinstance(reserve_attempt(request, needed, Secret(RIGHT), actor=SYSTEM, now=utc_now()), Busy)
    assert Attempt.objects.count() == 1


def test_a_lost_reply_counts_as_failed_and_is_not_sent_again_that_day(start_entra: StartEntra) -> None:
    entra = start_entra(ANN)
    credential = make_credential(connected(), password=RIGHT)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    request, account, now = pressed(validation), facts_of_ann(), utc_now()
    reserve(request, account, b"x" * 32, now)

    run_validation(validation.id)

    credential.refresh_from_db()
    attempt = Attempt.objects.get()
    assert (credential.verdict, attempt.state, attempt.counts_as_failed) == (
        "inconclusive",
        AttemptState.UNKNOWN,
        True,
    )
    assert entra.journal.attempts_for("ann@contoso.example") == []
    assert "not sent again" in VerdictRecord.objects.get().evidence["because"]


def test_a_dropped_reply_is_inconclusive_and_rests_for_a_day(start_entra: StartEntra) -> None:
    entra = start_entra(ANN)
    credential = make_credential(connected(), password=RIGHT)
    validate(make_credential(credential.tenant, password="warm-up-Wrong1"))
    entra.faults.add(FaultRule(where="token", kind="drop_after", count=1))

    validate(credential)
    assert credential.verdict == Verdict.INCONCLUSIVE
    validate(credential)
    assert credential.verdict == Verdict.THROTTLED
    assert len(entra.journal.attempts_for("ann@contoso.example")) == 2

    validate(credential, after=timedelta(hours=25))
    assert credential.verdict == Verdict.ACTIVE


def test_a_configuration_code_stops_the_directory_before_another_account(start_entra: StartEntra) -> None:
    broken = UserScenario(upn="ann@contoso.example", password=RIGHT, answer=ScriptedAnswer(code=65001))
    entra = start_entra(broken, UserScenario(upn="bob@contoso.example", password=RIGHT))
    tenant = connected()
    ann, bob = make_credential(tenant, password=RIGHT), make_credential(tenant, "bob@contoso.example", RIGHT)

    validate(ann)
    assert only_directory(tenant).status == ConnectionStatus.ERROR
    entry = validate(bob)

    assert bob.verdict == Verdict.INCONCLUSIVE
    assert "stopped" in entry.evidence["because"]
    assert entra.journal.attempts_for("bob@contoso.example") == []


def test_two_locked_accounts_in_a_row_stop_every_connection_to_the_directory(start_entra: StartEntra) -> None:
    users = [UserScenario(upn=f"u{n}@contoso.example", password=RIGHT, locked_seconds=900) for n in range(2)]
    entra = start_entra(*users, ANN)
    tenant, neighbour = connected(), connected()
    for user in users:
        validate(make_credential(tenant, user.upn, RIGHT))

    last = make_credential(neighbour, password=RIGHT)
    validate(last)

    assert last.verdict == Verdict.INCONCLUSIVE
    assert entra.journal.attempts_for("ann@contoso.example") == []


def test_a_second_press_starts_nothing(start_entra: StartEntra) -> None:
    start_entra(ANN)
    credential = make_credential(connected(), password=RIGHT)
    first = request_validation(credential, actor=SYSTEM, now=utc_now())
    assert request_validation(credential, actor=SYSTEM, now=utc_now()) == first
    run_validation(first.id)
    run_validation(first.id)
    assert Attempt.objects.count() == 1
    assert VerdictRecord.objects.count() == 1


def test_an_idempotency_key_names_one_validation(start_entra: StartEntra) -> None:
    start_entra(ANN)
    tenant = connected()
    credential, other = make_credential(tenant, password=RIGHT), make_credential(tenant, password="Other-1")
    first = request_validation(credential, actor=SYSTEM, now=utc_now(), idempotency_key="k")
    run_validation(first.id)
    assert request_validation(credential, actor=SYSTEM, now=utc_now(), idempotency_key="k") == first
    with pytest.raises(Conflict):
        request_validation(other, actor=SYSTEM, now=utc_now(), idempotency_key="k")


def test_a_key_that_came_while_another_press_ran_names_that_one_for_good(start_entra: StartEntra) -> None:
    start_entra(ANN)
    credential = make_credential(connected(), password=RIGHT)
    first = request_validation(credential, actor=SYSTEM, now=utc_now(), idempotency_key="first")
    assert request_validation(credential, actor=SYSTEM, now=utc_now(), idempotency_key="second") == first
    run_validation(first.id)
    assert request_validation(credential, actor=SYSTEM, now=utc_now(), idempotency_key="second") == first
    assert request_validation(credential, actor=SYSTEM, now=utc_now(), idempotency_key="third") != first


def test_a_viewer_cannot_validate(start_entra: StartEntra) -> None:
    start_entra(ANN)
    credential = make_credential(connected(), password=RIGHT)
    with pytest.raises(NotAllowed):
        request_validation(credential, actor=make_actor(credential.tenant, "viewer"), now=utc_now())
    assert request_validation(credential, actor=make_actor(credential.tenant, "analyst"), now=utc_now())


def test_our_own_fault_ends_a_validation(start_entra: StartEntra) -> None:
    start_entra(ANN)
    credential = make_credential(connected(), password=RIGHT)
    validation = request_validation(credential, actor=SYSTEM, now=utc_now())
    fail_validation(validation.id, RuntimeError("holds a password"))
    credential.refresh_from_db()
    assert credential.verdict_group == VerdictGroup.CANNOT_TELL
    assert "holds a password" not in json.dumps(VerdictRecord.objects.get().evidence)
    assert not Validation.objects.exclude(state=ValidationState.DONE).exists()
