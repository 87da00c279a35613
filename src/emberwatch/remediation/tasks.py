"""Jobs of remediation."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from emberwatch.core.clock import utc_now
from emberwatch.engine.facts import announce
from emberwatch.engine.queues import REMEDIATION
from emberwatch.remediation.confirming import look_at_plan, overdue_plans
from emberwatch.remediation.executing import execute_plan

_AGAIN: Final = RetryStrategy(
    max_attempts=5, exponential_wait=2, retry_exceptions=(OperationalError, InterfaceError)
)


@app.task(name="remediation.execute", queue=REMEDIATION, retry=_AGAIN)
def execute(plan_id: str) -> None:
    execute_plan(UUID(plan_id))


@app.task(name="remediation.look", queue=REMEDIATION, retry=_AGAIN)
def look(plan_id: str) -> None:
    look_at_plan(UUID(plan_id))


@app.task(name="remediation.move_stalled", queue=REMEDIATION, queueing_lock="move_stalled_plans")
def move_stalled_plans() -> None:
    moving, looks = overdue_plans(utc_now())
    for plan_id in moving:
        announce("remediation.moves", plan_id=str(plan_id), seconds=0)
    for plan_id in looks:
        announce("remediation.look_due", plan_id=str(plan_id), due="overdue", seconds=1)
