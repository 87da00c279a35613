"""Jobs of validation."""

from __future__ import annotations

from uuid import UUID

from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from emberwatch.core.clock import utc_now
from emberwatch.engine.queues import RUNS, VALIDATION
from emberwatch.validation.driving import drive, is_due, note_failure, stalled_runs, wake
from emberwatch.validation.reading import withdraw_after_changes
from emberwatch.validation.runs import start_scheduled_runs
from emberwatch.validation.services import fail_validation, run_validation

_TROUBLES = (OperationalError, InterfaceError)
_AGAIN = RetryStrategy(max_attempts=5, exponential_wait=2, retry_exceptions=_TROUBLES)


@app.task(name="validation.run", queue=VALIDATION, retry=_AGAIN)
def validate(validation_id: str) -> None:
    try:
        run_validation(UUID(validation_id))
    except _TROUBLES:
        raise
    except Exception as error:
        fail_validation(UUID(validation_id), error)


@app.task(name="validation.drive", queue=RUNS, retry=_AGAIN)
def drive_run(run_id: str) -> None:
    if not is_due(UUID(run_id), utc_now()):
        return
    try:
        drive(UUID(run_id))
    except _TROUBLES:
        raise
    except Exception as error:
        note_failure(UUID(run_id), error)


@app.task(name="validation.wake", queue=VALIDATION)
def wake_runs(tenant_id: str) -> None:
    """A directory is in order again, or may be used otherwise: its runs need not wait for the next look."""
    _wake(UUID(tenant_id))


@app.task(name="validation.wake_all", queue=VALIDATION)
def wake_all_runs() -> None:
    """The kill switch was lifted."""
    _wake(None)


def _wake(tenant_id: UUID | None) -> None:
    for run_id in wake(tenant_id):
        drive_run.defer(run_id=str(run_id))


@app.task(name="validation.move_stalled_runs", queue=VALIDATION, queueing_lock="move_stalled_runs")
def move_stalled_runs() -> None:
    for run in stalled_runs(utc_now()):
        drive_run.defer(run_id=str(run.id))


@app.task(name="validation.start_scheduled_runs", queue=VALIDATION, queueing_lock="start_scheduled_runs")
def start_scheduled() -> None:
    start_scheduled_runs(now=utc_now())


@app.task(name="validation.withdraw_changed", queue=VALIDATION, retry=_AGAIN)
def withdraw_changed(tenant_id: str, identity_ids: list[str]) -> None:
    withdraw_after_changes(UUID(tenant_id), [UUID(each) for each in identity_ids], now=utc_now())
