"""Choices and the kill switch hold for runs that are under way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.verdict import Verdict
from emberwatch.exposures.models import Credential
from emberwatch.tenants.models import Tenant
from emberwatch.validation import trying
from emberwatch.validation.attempting import Busy, next_turn
from emberwatch.validation.models import Attempt, Run, RunState
from emberwatch.validation.operating import protect, save_choices
from emberwatch.validation.options import revised
from emberwatch.validation.runs import pause_run, start_run
from emberwatch.validation.stopping import lift_kill_switch, stop_everything
from emberwatch.validation.tasks import wake_all_runs
from tests.integration.validation.test_runs import RIGHT, World, leak, world

__all__ = ["world"]

pytestmark = pytest.mark.django_db(transaction=True)


def started(world: World, tenant: Tenant, login: str = "ann@contoso.example") -> Run:
    world.entra.add(login, password=RIGHT)
    leak(tenant, login, RIGHT, leaked_at=world.now + timedelta(days=1))
    return start_run(tenant, actor=SYSTEM, now=world.now)


def choose(world: World, tenant: Tenant, **typed: str) -> None:
    save_choices(tenant, lambda now: revised(now, typed), actor=SYSTEM, now=world.now)


def sent() -> int:
    return Attempt.objects.count()


def test_the_kill_switch_stops_a_run_and_lifting_it_wakes_the_run(world: World) -> None:
    tenant = world.connect()
    run = started(world, tenant)
    stop_everything("an alert", actor=SYSTEM, now=world.now)
    stopped = world.drive(run)
    assert (stopped.state, sent()) == (RunState.STOPPED, 0)
    assert "an alert" in stopped.sentence

    lift_kill_switch(actor=SYSTEM, now=world.now)
    ProcrastinateJob.objects.filter(task_name="validation.drive").delete()
    wake_all_runs()
    assert [job.args for job in ProcrastinateJob.objects.filter(task_name="validation.drive")] == [
        {"run_id": str(run.id)}
    ]
    assert (world.drive(run, days=1).state, sent()) == (RunState.DONE, 1)


@pytest.mark.parametrize(
    ("typed", "state"),
    [
        ({"mode": "off"}, RunState.STOPPED),
        ({"mode": "triage"}, RunState.DONE),
        ({"failed_attempts_allowed": "0"}, RunState.WAITING),
        ({"hours_from": "22:00", "hours_until": "06:00"}, RunState.WAITING),
    ],
)
def test_a_choice_holds_for_a_run_that_has_begun(
    world: World, typed: dict[str, str], state: RunState
) -> None:
    tenant = world.connect()
    run = started(world, tenant)
    choose(world, tenant, **typed)
    found = world.drive(run)
    assert sent() == 0
    if state is not RunState.WAITING:
        assert found.state == state
    # The same run sends as soon as the choice is taken back: nothing else kept it.
    choose(world, tenant, mode="attempts", failed_attempts_allowed="", hours_from="", hours_until="")
    again = run if found.state != RunState.DONE else start_run(tenant, actor=SYSTEM, now=world.now)
    assert (world.drive(again, days=1).state, sent()) == (RunState.DONE, 1)


def test_what_any_tenant_protects_is_tried_by_none(world: World) -> None:
    mine, theirs = world.connect(), world.connect()
    entry = protect(theirs, "account", "ANN@contoso.example", actor=SYSTEM, now=world.now)
    assert entry.value == "ann@contoso.example"
    world.entra.add("ben@contoso.example", password=RIGHT)
    (spared,) = leak(mine, "ann@contoso.example", RIGHT, leaked_at=world.now + timedelta(days=1))
    (tried,) = leak(mine, "ben@contoso.example", RIGHT, leaked_at=world.now + timedelta(days=1))
    world.entra.add("ann@contoso.example", password=RIGHT)
    world.drive(start_run(mine, actor=SYSTEM, now=world.now), days=1)
    for credential in (spared, tried):
        credential.refresh_from_db()
    assert (spared.verdict, tried.verdict) == (Verdict.NOT_TESTABLE, Verdict.ACTIVE)
    assert sent() == 1


def just_before_the_reservation(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Has ``happens`` run once, after a run has read its facts and decided to send, before it reserves."""
    waiting = [happens]

    def turn(entra_tenant_id: UUID, now: datetime) -> Busy | None:
        if waiting:
            waiting.pop()()
        return next_turn(entra_tenant_id, now)

    monkeypatch.setattr(trying, "next_turn", turn)


def test_who_is_protected_after_the_decision_to_send_is_spared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = world.connect()
    run = started(world, tenant)
    just_before_the_reservation(
        monkeypatch, lambda: protect(tenant, "account", "ann@contoso.example", actor=SYSTEM, now=world.now)
    )
    assert (world.drive(run, days=1).state, sent()) == (RunState.DONE, 0)
    assert Credential.objects.get(tenant=tenant).verdict == Verdict.NOT_TESTABLE


def test_a_run_that_is_paused_after_the_decision_to_send_sends_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(world, world.connect())
    just_before_the_reservation(monkeypatch, lambda: pause_run(run, actor=SYSTEM, now=world.now))
    assert (world.drive(run, days=1).state, sent()) == (RunState.PAUSED, 0)
