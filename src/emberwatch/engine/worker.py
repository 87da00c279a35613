"""Runs a worker, and gives the jobs of dead workers back to the living ones."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, transaction
from procrastinate import App, exceptions
from procrastinate.contrib.django import app as django_app
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.middleware import AsyncCallNext
from procrastinate.worker import Worker

from emberwatch.engine.facts import announce
from emberwatch.engine.queues import PATIENT_QUEUES, PROMPT_QUEUES

log = structlog.get_logger(__name__)

# A worker that has not been heard of for this long is dead: its jobs are retried by another.
HEARTBEAT_SECONDS: Final = 2.0
DEAD_AFTER_SECONDS: Final = 10.0
RECONNECT_SECONDS: Final = 2.0
# Jobs of the patient queues sleep most of the time: so many are moved on at once.
PATIENT_CONCURRENCY: Final = 16
TICK_SECONDS: Final = 30.0


def worker_options(concurrency: int) -> dict[str, Any]:
    return {
        "concurrency": concurrency,
        "update_heartbeat_interval": HEARTBEAT_SECONDS,
        "stalled_worker_timeout": DEAD_AFTER_SECONDS,
        "fetch_job_polling_interval": 2.0,
        "delete_jobs": "successful",
        "shutdown_graceful_timeout": 30.0,
        "worker_middleware": [_number_jobs],
    }


async def _number_jobs(go_on: AsyncCallNext, context: JobContext, _worker: Worker) -> Any:
    """Every line that a job logs names the job."""
    with structlog.contextvars.bound_contextvars(job_id=context.job.id, task=context.job.task_name):
        return await go_on()


def run_worker(*, concurrency: int = 4) -> None:
    """Runs jobs until a signal ends it, also through a restart of the database.

    Jobs that a killed worker held are retried within seconds.
    """
    while True:
        try:
            asyncio.run(_run(concurrency))
        except (exceptions.ConnectorException, psycopg.Error, ExceptionGroup):
            log.warning("worker_interrupted", reason="the database did not answer")
            time.sleep(RECONNECT_SECONDS)
        else:
            return


async def _run(concurrency: int) -> None:
    app: App = django_app.with_connector(django_app.connector.get_worker_connector())  # type: ignore[attr-defined]
    async with app.open_async():
        rescue = asyncio.create_task(_rescue_forever(app))
        ticking = asyncio.create_task(_tick_forever())
        try:
            await _run_lanes(app, concurrency)
        finally:
            rescue.cancel()
            ticking.cancel()


async def _run_lanes(app: App, concurrency: int) -> None:
    """One lane for what people wait for, one for what waits by itself; a signal ends the first, which ends both."""
    patient = asyncio.create_task(
        app.run_worker_async(
            **worker_options(PATIENT_CONCURRENCY), queues=list(PATIENT_QUEUES), install_signal_handlers=False
        )
    )
    prompt = asyncio.create_task(
        app.run_worker_async(**worker_options(concurrency), queues=list(PROMPT_QUEUES))
    )
    try:
        done, _ = await asyncio.wait((patient, prompt), return_when=asyncio.FIRST_COMPLETED)
        for lane in done:
            lane.result()
    finally:
        await _end(patient, prompt)


async def _end(*lanes: asyncio.Task[None]) -> None:
    for lane in lanes:
        lane.cancel()
    await asyncio.gather(*lanes, return_exceptions=True)


async def _rescue_forever(app: App) -> None:
    while True:
        try:
            await retry_jobs_of_dead_workers(app)
        except exceptions.ConnectorException:
            log.warning("rescue_failed", reason="the database did not answer")
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def _tick_forever() -> None:
    """Announces that time has passed, for what is done regularly and not because something happened."""
    while True:
        await asyncio.sleep(TICK_SECONDS)
        try:
            await sync_to_async(_tick)()
        except (DatabaseError, exceptions.ConnectorException):
            log.warning("tick_failed", reason="the database did not answer")


def _tick() -> None:
    try:
        with transaction.atomic():
            announce("time.passed")
    finally:
        close_old_connections()


async def retry_jobs_of_dead_workers(app: App) -> list[int]:
    """Puts every job whose worker died back into the queue and returns their ids."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS))
    return [job.id for job in stalled if job.id is not None and await _retry(app, job)]


async def _retry(app: App, job: Job) -> bool:
    try:
        await app.job_manager.retry_job(job)
    except exceptions.ConnectorException:
        # Another worker was faster, or the job has just ended.
        return False
    log.warning("job_of_dead_worker_retried", job_id=job.id, task=job.task_name)
    return True
