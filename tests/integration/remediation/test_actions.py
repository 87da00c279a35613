"""Each action on a simulated directory: its effect in the directory's own state, its refusals, its undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from emberwatch.core.errors import BadInput
from emberwatch.directories.actions import ORDER, ActionKind
from emberwatch.directories.services import check_connection
from emberwatch.remediation.models import PlanState, StepState
from emberwatch.remediation.services import offers_of
from emberwatch.simulator import FaultRule, UserScenario
from emberwatch.simulator.scenario import GroupScenario, RoleScenario
from emberwatch.simulator.state import UserState
from tests.factories import make_actor
from tests.integration.conftest import StartEntra
from tests.integration.remediation.world import ALL, READS, Case, app, make_case, states, step
from tests.world import DIRECTORY, RIGHT

pytestmark = pytest.mark.django_db

WATCHED = GroupScenario(display_name="Leaked passwords")
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"

EFFECTS: dict[ActionKind, Callable[[UserState], bool]] = {
    ActionKind.DISABLE_ACCOUNT: lambda user: not user.scenario.enabled,
    ActionKind.RESET_PASSWORD: lambda user: user.scenario.force_change is True,
    ActionKind.REQUIRE_PASSWORD_CHANGE: lambda user: user.scenario.force_change_with_mfa is True,
    ActionKind.MARK_COMPROMISED: lambda user: (
        user.scenario.risk is not None and user.scenario.risk.state == "confirmedCompromised"
    ),
    ActionKind.REVOKE_SESSIONS: lambda user: user.scenario.sessions_valid_from is not None,
}


@pytest.mark.parametrize("kind", EFFECTS, ids=str)
def test_an_action_changes_the_directory_once_and_is_confirmed(
    start_entra: StartEntra, kind: ActionKind
) -> None:
    case = make_case(start_entra)
    assert not EFFECTS[kind](case.account)
    password = case.account.password

    plan = case.do(kind)

    assert EFFECTS[kind](case.account)
    assert (case.account.password != password) == (kind is ActionKind.RESET_PASSWORD)
    assert states(plan) == {kind: StepState.CONFIRMED}
    assert plan.state == PlanState.DONE
    assert [status < 300 for _, status in case.writes] == [True]
    sent = step(plan, kind)
    assert sent.request_id
    assert sent.client_request_id
    assert sent.before
    assert sent.after


def test_a_plan_fails_safe_disable_first_and_sessions_last(start_entra: StartEntra) -> None:
    case = make_case(start_entra, groups=(WATCHED,))
    kinds = (
        ActionKind.REVOKE_SESSIONS,
        ActionKind.MARK_COMPROMISED,
        ActionKind.ADD_TO_GROUP,
        ActionKind.RESET_PASSWORD,
        ActionKind.DISABLE_ACCOUNT,
    )

    plan = case.do(*kinds, group=UUID(WATCHED.object_id))
    case.look(plan, timedelta(seconds=10))

    assert set(states(plan).values()) == {StepState.CONFIRMED}
    assert [kind for kind, _ in case.writes] == [
        "disable",
        "set password",
        "confirm compromised",
        "add member",
        "revoke sessions",
    ]


def test_membership_of_a_group_comes_and_goes(start_entra: StartEntra) -> None:
    case = make_case(start_entra, groups=(WATCHED,))
    group = UUID(WATCHED.object_id)

    added = case.do(ActionKind.ADD_TO_GROUP, group=group)
    known = case.entra.directory(DIRECTORY).memberships
    assert known.has_member(str(group), case.account.id)
    removed = case.do(ActionKind.REMOVE_FROM_GROUP, group=group)

    assert not known.has_member(str(group), case.account.id)
    assert states(added) | states(removed) == dict.fromkeys(
        (ActionKind.ADD_TO_GROUP, ActionKind.REMOVE_FROM_GROUP), StepState.CONFIRMED
    )


def test_what_is_so_already_is_not_done_again(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    case.entra.directory(DIRECTORY).change_user(case.account.id, enabled=False)

    plan = case.do(ActionKind.DISABLE_ACCOUNT)

    assert states(plan) == {ActionKind.DISABLE_ACCOUNT: StepState.SKIPPED}
    assert case.writes == []


@pytest.mark.parametrize("kind", list(ORDER), ids=str)
def test_without_its_permission_an_action_is_not_offered(start_entra: StartEntra, kind: ActionKind) -> None:
    case = make_case(start_entra, granted=(READS,), groups=(WATCHED,))

    offered = {offer.kind: offer for offer in offers_of(case.account_identity)}

    why = offered[kind].why_not
    assert why is not None
    assert "lacks the permission" in why.sentence
    with pytest.raises(BadInput, match="lacks the permission"):
        case.ask(kind, group=UUID(WATCHED.object_id))


REFUSALS = (
    pytest.param(
        UserScenario(upn="ann@contoso.example", password=RIGHT, synced=True), "synchronised", id="synced"
    ),
    pytest.param(
        UserScenario(upn="ann@contoso.example", password=RIGHT, user_type="Guest"), "is a guest", id="guest"
    ),
)


@pytest.mark.parametrize(("user", "sentence"), REFUSALS)
def test_what_an_account_does_not_allow_is_not_offered(
    start_entra: StartEntra, user: UserScenario, sentence: str
) -> None:
    case = make_case(start_entra, user)

    with pytest.raises(BadInput, match=sentence):
        case.ask(ActionKind.RESET_PASSWORD)

    assert case.writes == []


def test_a_synced_account_gets_what_works_and_a_task_for_active_directory(start_entra: StartEntra) -> None:
    case = make_case(start_entra, UserScenario(upn="ann@contoso.example", password=RIGHT, synced=True))

    plan = case.do(ActionKind.MARK_COMPROMISED, ActionKind.REVOKE_SESSIONS)

    assert set(states(plan).values()) == {StepState.CONFIRMED}
    assert "disable the account in Active Directory" in plan.notice
    assert "ann@contoso.example" in plan.notice


def _permission_is_taken_away(case: Case) -> None:
    case.entra.directory(DIRECTORY).put_app(app(READS))
    case.entra.world.end_tokens()


def _becomes_synced(case: Case) -> None:
    case.entra.directory(DIRECTORY).change_user(case.account.id, synced=True)


def test_the_directory_itself_refuses_a_permission_that_is_gone(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(ActionKind.DISABLE_ACCOUNT))
    _permission_is_taken_away(case)

    case.execute(plan)

    failed = step(plan, ActionKind.DISABLE_ACCOUNT)
    assert failed.state == StepState.FAILED
    assert "lacks the permission User.EnableDisableAccount.All" in failed.sentence
    assert case.account.scenario.enabled


def test_an_account_that_became_synced_meanwhile_is_left_alone(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(ActionKind.DISABLE_ACCOUNT))
    _becomes_synced(case)

    case.execute(plan)

    failed = step(plan, ActionKind.DISABLE_ACCOUNT)
    assert (failed.state, case.writes) == (StepState.FAILED, [])
    assert "synchronised from Active Directory" in failed.sentence


def test_a_privileged_account_that_the_application_does_not_reach(start_entra: StartEntra) -> None:
    role = RoleScenario(
        template_id=GLOBAL_ADMINISTRATOR,
        display_name="Global Administrator",
        members=("ann@contoso.example",),
    )
    case = make_case(start_entra, roles=(role,))
    plan = case.ask(ActionKind.DISABLE_ACCOUNT, ActionKind.REVOKE_SESSIONS)
    assert "Global Administrator" in plan.needs_second_person
    case.approve(plan, make_actor(case.tenant, "admin"))

    case.execute(plan)
    case.look(plan, timedelta(seconds=3))

    failed = step(plan, ActionKind.DISABLE_ACCOUNT)
    assert failed.state == StepState.FAILED
    assert "the account is privileged" in failed.sentence
    assert case.account.scenario.enabled
    assert states(plan)[ActionKind.REVOKE_SESSIONS] == StepState.CONFIRMED


@pytest.mark.parametrize("code", ["Forbidden", "AccessDenied", "AadPremiumLicenseRequired"])
def test_without_the_licence_risk_is_not_offered(start_entra: StartEntra, code: str) -> None:
    case = make_case(start_entra, premium=False, premium_refusal=code)
    check_connection(case.tenant, actor=make_actor(case.tenant, "admin"))

    with pytest.raises(BadInput, match="licence does not include"):
        case.ask(ActionKind.MARK_COMPROMISED)


def test_an_answer_that_says_nothing_is_not_taken_for_a_no(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(ActionKind.MARK_COMPROMISED))
    case.entra.faults.add(FaultRule(where="confirmCompromised", kind="5xx", status=500))

    case.execute(plan)

    # 500 says nothing: the account is read back, and nothing is claimed.
    assert states(plan) == {ActionKind.MARK_COMPROMISED: StepState.REQUESTED}


def test_every_permission_of_an_action_is_told_by_the_check_and_is_no_surplus(
    start_entra: StartEntra,
) -> None:
    case = make_case(start_entra)
    connection = case.tenant.directory_connections.get()
    connection.refresh_from_db()

    named = {row["least_permission"]: row["state"] for row in connection.capabilities if not row["required"]}

    assert {name: named[name] for name in ALL[2:]} == dict.fromkeys(ALL[2:], "granted")
    assert [row["permission"] for row in connection.surplus] == []
