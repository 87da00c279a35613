"""Jobs of alerts."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from emberwatch.alerts.composing import compose
from emberwatch.alerts.delivering import deliver, overdue
from emberwatch.alerts.gathering import gather_halts, gather_new, gather_told, gather_verdicts
from emberwatch.alerts.policy import Fact
from emberwatch.alerts.tidying import due_rules, forget_old
from emberwatch.alerts.witnesses import Told, witnesses
from emberwatch.core.clock import utc_now
from emberwatch.engine.facts import announce
from emberwatch.engine.queues import ALERTS

_AGAIN: Final = RetryStrategy(
    max_attempts=5, exponential_wait=2, retry_exceptions=(OperationalError, InterfaceError)
)


@app.task(name="alerts.gather_new", queue=ALERTS, retry=_AGAIN)
def new_credentials(tenant_id: str, credential_ids: list[str]) -> None:
    gather_new(UUID(tenant_id), [UUID(each) for each in credential_ids], utc_now())


@app.task(name="alerts.gather_verdicts", queue=ALERTS, retry=_AGAIN)
def verdicts(tenant_id: str, credential_ids: list[str]) -> None:
    gather_verdicts(UUID(tenant_id), [UUID(each) for each in credential_ids], utc_now())


@app.task(name="alerts.gather_halts", queue=ALERTS, retry=_AGAIN)
def halts(tenant_id: str) -> None:
    gather_halts(UUID(tenant_id), utc_now())


@app.task(name="alerts.gather_told", queue=ALERTS, retry=_AGAIN)
def told(tenant_id: str, fact: str, subject_id: str = "") -> None:
    wanted = Fact(fact)
    gather_told(UUID(tenant_id), wanted, _told(wanted, subject_id), utc_now())


def _told(fact: Fact, subject_id: str) -> Told | None:
    """What whoever knows says of it now."""
    known = witnesses()
    if fact is Fact.KILL_SWITCH:
        return known.kill_switch()
    ask = {
        Fact.IMPORT_FINISHED: known.import_finished,
        Fact.CONTAINED: known.contained,
        Fact.DRIFTED: known.drifted,
        Fact.AUTOMATION_STOPPED: known.automation_stopped,
    }[fact]
    return ask(UUID(subject_id))


@app.task(name="alerts.compose", queue=ALERTS, retry=_AGAIN)
def put_together(rule_id: str) -> None:
    compose(UUID(rule_id), utc_now())


@app.task(name="alerts.deliver", queue=ALERTS, retry=_AGAIN)
def send(delivery_id: str) -> None:
    deliver(UUID(delivery_id))


@app.task(name="alerts.sweep", queue=ALERTS, queueing_lock="sweep_alerts")
def sweep() -> None:
    """Digests that are due, messages whose job was lost, and what is too old to be kept."""
    now = utc_now()
    for rule_id in due_rules(now):
        announce("alerts.gathered", rule_id=str(rule_id), seconds=0)
    for delivery_id in overdue(now):
        announce("alert.delivery_due", delivery_id=str(delivery_id), seconds=0)
    forget_old(now)
