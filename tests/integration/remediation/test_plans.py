"""Plans: who may approve, what is sent once whatever happens, what is read back, what drifts, what is undone."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.accounts.actor import SYSTEM, Actor
from emberwatch.audit.models import AuditRow
from emberwatch.core.errors import BadInput, Conflict, NotAllowed
from emberwatch.directories.actions import AccountState, ActionKind, Applied
from emberwatch.directories.base import Directory
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.services import shared_directory
from emberwatch.remediation.confirming import overdue_plans
from emberwatch.remediation.models import PlanState, RemediationPlan, RemediationStep, StepState
from emberwatch.remediation.services import (
    approve_plan,
    cancel_plan,
    propose,
    request_plan,
    undo_plan,
    wish_for,
)
from emberwatch.remediation.settling import LOOKS
from emberwatch.simulator import FaultRule, UserScenario
from emberwatch.simulator.scenario import RoleScenario
from emberwatch.validation.models import ProtectedEntry
from emberwatch.validation.stopping import lift_kill_switch, stop_everything
from tests.factories import make_actor, make_credential, make_tenant
from tests.integration.conftest import StartEntra
from tests.integration.remediation.world import Case, make_case, states, step
from tests.world import DIRECTORY, RIGHT

pytestmark = pytest.mark.django_db

DISABLE = ActionKind.DISABLE_ACCOUNT
REVOKE = ActionKind.REVOKE_SESSIONS
HELPDESK = RoleScenario(
    template_id="729827e3-9c14-49f7-bb1b-9608f156bbb8",
    display_name="Helpdesk Administrator",
    members=("ann@contoso.example",),
)


def protect(case: Case, kind: str, value: str) -> None:
    ProtectedEntry.objects.create(
        connection=case.tenant.directory_connections.get(),
        kind=kind,
        value=value,
        added_by="test",
        added_at=case.now,
    )


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(start_entra: StartEntra) -> None:
    case = make_case(start_entra)

    proposal = propose(wish_for(case.credential, (REVOKE, DISABLE)), actor=case.analyst)

    assert proposal.plan.steps == (DISABLE, REVOKE)
    assert case.writes == []
    assert not RemediationPlan.objects.exists()


def test_whoever_asked_may_approve_for_an_ordinary_account(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.ask(DISABLE)
    assert (plan.state, plan.needs_second_person) == (PlanState.AWAITING_APPROVAL, "")
    case.execute(plan)
    assert case.writes == [], "nothing is sent before it is approved"

    case.approve(plan)
    case.execute(plan)

    assert case.writes == [("disable", 204)]


@pytest.mark.parametrize("how", ["privileged", "protected group or role"])
def test_a_privileged_or_protected_account_needs_a_second_person(start_entra: StartEntra, how: str) -> None:
    case = make_case(start_entra, roles=(HELPDESK,))
    if how != "privileged":
        protect(case, "role", HELPDESK.template_id)
    plan = case.ask(REVOKE)
    assert "Helpdesk Administrator" in plan.needs_second_person

    with pytest.raises(NotAllowed, match="second person"):
        case.approve(plan)
    case.execute(plan)
    assert case.writes == []
    case.approve(plan, make_actor(case.tenant, "analyst"))
    case.execute(plan)

    assert case.writes == [("revoke sessions", 200)]


def test_the_operator_of_the_command_line_is_a_second_person(start_entra: StartEntra) -> None:
    case = make_case(start_entra, roles=(HELPDESK,))
    plan = case.ask(REVOKE)

    case.approve(plan, Actor(label="cli:root", is_operator=True))

    plan.refresh_from_db()
    assert plan.approved_by == "cli:root"


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_protected_account_is_never_changed(start_entra: StartEntra, by: str) -> None:
    case = make_case(start_entra)
    before = case.approve(case.ask(DISABLE))
    protect(case, "account", case.account.scenario.upn if by == "name" else case.account.id)

    with pytest.raises(BadInput, match="never changes it"):
        case.ask(REVOKE)
    case.execute(before)

    assert step(before, DISABLE).state == StepState.FAILED
    assert "protected accounts" in step(before, DISABLE).sentence
    assert case.writes == []


def test_an_account_that_became_privileged_goes_back_for_approval(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE))
    case.entra.directory(DIRECTORY).memberships.fill_role(HELPDESK, [case.account.id])

    case.execute(plan)

    plan.refresh_from_db()
    assert (plan.state, plan.approved_by) == (PlanState.AWAITING_APPROVAL, "")
    assert "Helpdesk Administrator" in plan.needs_second_person
    assert case.writes == []


def test_a_viewer_may_neither_ask_nor_approve(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    viewer = make_actor(case.tenant, "viewer")
    plan = case.ask(DISABLE)

    with pytest.raises(NotAllowed):
        case.ask(REVOKE, actor=viewer)
    with pytest.raises(NotAllowed):
        case.approve(plan, viewer)
    with pytest.raises(NotAllowed):
        cancel_plan(plan, actor=viewer, now=case.now)


def test_one_plan_waits_for_an_account_at_a_time(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    first = case.ask(DISABLE)
    with pytest.raises(Conflict, match="waits already"):
        case.ask(REVOKE)

    cancel_plan(first, actor=case.analyst, now=case.now)

    assert case.ask(REVOKE).state == PlanState.AWAITING_APPROVAL
    first.refresh_from_db()
    assert (first.state, states(first)) == (PlanState.CANCELLED, {DISABLE: StepState.SKIPPED})


@pytest.mark.parametrize("typed", ["", "  ", "\x00"])
def test_a_plan_needs_a_reason(start_entra: StartEntra, typed: str) -> None:
    case = make_case(start_entra)
    wish = wish_for(case.credential, (DISABLE,))

    with pytest.raises(BadInput, match="reason is needed"):
        request_plan(wish, reason=typed, actor=case.analyst, now=case.now)

    assert request_plan(wish, reason="it\x00 leaked", actor=case.analyst, now=case.now).reason == "it leaked"


def test_without_a_known_account_there_is_nothing_to_plan(start_entra: StartEntra) -> None:
    start_entra()
    credential = make_credential(make_tenant())

    with pytest.raises(Conflict, match="not known yet"):
        wish_for(credential, (DISABLE,))


# What happens on the way.


def test_a_reply_that_is_lost_is_sent_once_and_ends_confirmed(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE, REVOKE))
    case.entra.faults.add(FaultRule(where="write", kind="drop_after", count=2))

    case.execute(plan)
    assert set(states(plan).values()) == {StepState.REQUESTED}
    case.execute(plan)
    case.look(plan, timedelta(seconds=3))

    assert set(states(plan).values()) == {StepState.CONFIRMED}
    assert [kind for kind, _ in case.writes] == ["disable", "revoke sessions"]
    assert not case.account.scenario.enabled


def test_a_request_that_is_lost_ends_unknown_and_not_done(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE))
    case.entra.faults.add(FaultRule(where="write", kind="drop", count=1))
    case.execute(plan)

    for wait in (timedelta(seconds=3), *LOOKS[1:]):
        assert states(plan) == {DISABLE: StepState.REQUESTED}
        case.look(plan, wait)
        case.execute(plan)

    failed = step(plan, DISABLE)
    assert failed.state == StepState.FAILED
    assert "It is not known whether" in failed.sentence
    assert [kind for kind, _ in case.writes] == ["disable"], "nothing is sent a second time"


def test_what_shows_late_is_waited_for(start_entra: StartEntra) -> None:
    case = make_case(start_entra, write_delay_seconds=60)
    plan = case.do(DISABLE)
    assert states(plan) == {DISABLE: StepState.APPLIED}

    case.entra.clock.advance(120)
    case.look(plan, timedelta(seconds=10))

    assert states(plan) == {DISABLE: StepState.CONFIRMED}


@pytest.mark.parametrize("kind", ["429", "5xx"])
def test_a_busy_directory_is_asked_again_after_the_time_that_it_told(
    start_entra: StartEntra, kind: Any
) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE))
    case.entra.faults.add(FaultRule(where="write", kind=kind, count=1, retry_after=17))

    case.execute(plan)
    plan.refresh_from_db()
    assert states(plan) == {DISABLE: StepState.PLANNED}
    assert plan.next_at == case.now + timedelta(seconds=17)
    case.execute(plan)

    assert states(plan) == {DISABLE: StepState.APPLIED}
    assert [status < 300 for _, status in case.writes] == [False, True]


def test_nothing_is_sent_while_the_kill_switch_is_on(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE))
    stop_everything("a drill", actor=SYSTEM, now=case.now)

    case.execute(plan)
    plan.refresh_from_db()
    assert (case.writes, states(plan)) == ([], {DISABLE: StepState.PLANNED})
    assert "a drill" in plan.sentence
    lift_kill_switch(actor=SYSTEM, now=case.now)
    case.execute(plan)

    assert states(plan) == {DISABLE: StepState.APPLIED}


class Crash(BaseException):
    """The process is gone."""


class Dying:
    """A directory whose process dies right before or right after a change is sent."""

    def __init__(self, inner: Any, *, before: bool) -> None:
        self._inner, self._before = inner, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read_state(self, *asked: Any) -> AccountState:
        found: AccountState = self._inner.read_state(*asked)
        return found

    def apply(self, *asked: Any) -> Applied:
        if not self._before:
            self._inner.apply(*asked)
        raise Crash


@pytest.mark.parametrize("before", [True, False], ids=["before it is sent", "after it is sent"])
def test_a_process_that_dies_around_the_request_sends_nothing_twice(
    start_entra: StartEntra, before: bool
) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE))

    def dying(connection: DirectoryConnection) -> Directory:
        return Dying(shared_directory(connection), before=before)

    with pytest.raises(Crash):
        case.execute(plan, directory_for=dying)
    for wait in (timedelta(seconds=61), *LOOKS[1:]):
        case.execute(plan)
        case.look(plan, wait)

    assert len(case.writes) == (0 if before else 1)
    found = step(plan, DISABLE)
    assert found.state == (StepState.FAILED if before else StepState.CONFIRMED)


@pytest.mark.parametrize("place", range(1, 13))
def test_a_process_that_dies_anywhere_leaves_nothing_twice_and_nothing_unknown(
    start_entra: StartEntra, place: int
) -> None:
    """Every step of the way asks for the time: whichever of these is its last, the next process ends the work."""
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE, REVOKE))
    ticks = count(1)

    def mortal() -> Any:
        if next(ticks) == place:
            raise Crash
        return case.now

    with pytest.raises(Crash):
        _whole_way(case, plan, mortal)
    for wait in (timedelta(seconds=61), *LOOKS):
        case.execute(plan)
        case.look(plan, wait)

    plan.refresh_from_db()
    assert plan.state == PlanState.DONE
    kinds = [kind for kind, _ in case.writes]
    assert len(kinds) == len(set(kinds)), "sent twice"
    done = {DISABLE: "disable" in kinds, REVOKE: "revoke sessions" in kinds}
    confirmed = {kind: state == StepState.CONFIRMED for kind, state in states(plan).items()}
    assert confirmed == done
    assert (not case.account.scenario.enabled) == done[DISABLE]


def _whole_way(case: Case, plan: RemediationPlan, clock: Any) -> None:
    from emberwatch.remediation.confirming import look_at_plan
    from emberwatch.remediation.executing import execute_plan

    execute_plan(plan.pk, clock=clock)
    for _ in range(9):
        case.now += timedelta(seconds=3)
        look_at_plan(plan.pk, clock=clock)


def test_a_plan_whose_job_was_lost_is_found(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE))
    assert overdue_plans(case.now) == ([], [])
    assert overdue_plans(case.now + timedelta(minutes=5)) == ([plan.pk], [])

    case.execute(plan)

    assert overdue_plans(case.now + timedelta(minutes=5)) == ([], [plan.pk])


# Afterwards.


def test_what_comes_back_has_drifted(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.do(DISABLE)
    case.look(plan, timedelta(hours=1))
    assert states(plan) == {DISABLE: StepState.CONFIRMED}
    case.entra.directory(DIRECTORY).change_user(case.account.id, enabled=True)

    case.look(plan, timedelta(days=1))

    found = step(plan, DISABLE)
    assert (found.state, found.next_look_at) == (StepState.DRIFTED, None)
    assert "taken it back" in found.sentence


def test_undo_takes_back_what_was_done_and_is_no_drift(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    before = case.account.scenario
    plan = case.do(DISABLE, ActionKind.MARK_COMPROMISED)

    undo = undo_plan(plan, reason="false alarm", actor=case.analyst, now=case.now)
    assert sorted(states(undo)) == [ActionKind.DISMISS_RISK, ActionKind.ENABLE_ACCOUNT]
    case.approve(undo)
    case.execute(undo)
    case.look(undo, timedelta(seconds=3))
    case.look(plan, timedelta(days=1))

    assert case.account.scenario.enabled is before.enabled
    assert set(states(undo).values()) == {StepState.CONFIRMED}
    assert set(states(plan).values()) == {StepState.CONFIRMED}
    with pytest.raises(Conflict, match="undone already"):
        undo_plan(plan, reason="again", actor=case.analyst, now=case.now)


def test_what_was_so_before_is_not_taken_back(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    case.entra.directory(DIRECTORY).change_user(case.account.id, enabled=False)
    plan = case.do(DISABLE, REVOKE)

    with pytest.raises(Conflict, match="Nothing of this plan can be undone") as told:
        undo_plan(plan, reason="false alarm", actor=case.analyst, now=case.now)

    assert "do not come back" in told.value.remedy


def test_every_move_is_in_the_audit_and_no_password_is_anywhere(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    sent: list[bytes] = []
    directory: Any = shared_directory(case.tenant.directory_connections.get())
    directory._client.event_hooks["request"].append(lambda request: sent.append(request.content))
    case.do(ActionKind.RESET_PASSWORD)
    [new] = [json.loads(body)["passwordProfile"]["password"] for body in sent if b"passwordProfile" in body]
    assert len(new) > 20

    rows = list(AuditRow.objects.filter(chain=case.tenant.pk, action__startswith="remediation."))
    assert [row.action.partition(".")[2] for row in rows] == [
        "requested",
        "approved",
        "step_requested",
        "step_applied",
        "step_confirmed",
        "finished",
    ]
    kept = str(
        [*RemediationStep.objects.values(), *RemediationPlan.objects.values(), *AuditRow.objects.values()]
    )
    assert new not in kept
    assert RIGHT not in kept


def test_approving_twice_carries_out_once(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.do(DISABLE)

    with pytest.raises(Conflict, match="done"):
        approve_plan(plan, actor=case.analyst, now=case.now)
    case.execute(plan)

    assert case.writes == [("disable", 204)]


def test_a_password_that_only_has_to_be_changed_needs_a_second_factor(start_entra: StartEntra) -> None:
    case = make_case(start_entra, UserScenario(upn="ann@contoso.example", password=RIGHT))

    before = case.account.password

    case.do(ActionKind.REQUIRE_PASSWORD_CHANGE)

    assert case.account.scenario.force_change_with_mfa is True
    assert case.account.password == before


def waiting_jobs(plan: RemediationPlan) -> list[tuple[str, int]]:
    """The jobs for a plan that no worker has taken yet, by their names, with how many there are of each."""
    rows = ProcrastinateJob.objects.filter(status="todo", args__plan_id=str(plan.pk))
    return sorted(Counter(rows.values_list("task_name", flat=True)).items())


def test_a_plan_that_waits_long_does_not_pile_up_jobs(start_entra: StartEntra) -> None:
    case = make_case(start_entra)
    plan = case.approve(case.ask(DISABLE, REVOKE))
    case.entra.faults.add(FaultRule(where="revokeSignInSessions", kind="429", count=5, retry_after=600))

    for _ in range(4):
        case.execute(plan)

    assert states(plan) == {DISABLE: StepState.APPLIED, REVOKE: StepState.PLANNED}
    assert waiting_jobs(plan) == [("remediation.execute", 2), ("remediation.look", 1)]
