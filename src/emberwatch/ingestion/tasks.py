"""Jobs of ingestion."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from emberwatch.accounts.actor import Actor
from emberwatch.config.environment import Environment
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import Unavailable
from emberwatch.engine.facts import announce
from emberwatch.engine.queues import INGESTION
from emberwatch.ingestion.chunks import discard_abandoned
from emberwatch.ingestion.expiring import expire_reviews, remove_failed
from emberwatch.ingestion.running import fail_import, plan_import, run_piece
from emberwatch.ingestion.undoing import run_undo
from emberwatch.ingestion.watching import look_through
from emberwatch.sources.reader.folders import clear_abandoned

_LOST_DATABASE: Final = (OperationalError, InterfaceError)
_RETRY: Final = RetryStrategy(max_attempts=5, exponential_wait=2, retry_exceptions=_LOST_DATABASE)
_BUSY_SECONDS: Final = 10


@app.task(name="ingestion.plan", queue=INGESTION, retry=_RETRY)
def plan(import_id: str) -> None:
    try:
        plan_import(UUID(import_id))
    except _LOST_DATABASE:
        raise
    except Exception as error:
        sentence = f"Emberwatch failed while opening the file ({type(error).__name__})."
        fail_import(UUID(import_id), Unavailable(sentence))


@app.task(name="ingestion.piece", queue=INGESTION, retry=_RETRY)
def piece(piece_id: str) -> None:
    if not run_piece(UUID(piece_id)):
        # Another process holds it; should that one die, this job takes over.
        announce("import.piece_postponed", piece_id=piece_id, seconds=_BUSY_SECONDS)


@app.task(name="ingestion.watch", queue=INGESTION, queueing_lock="watch", lock="watch")
def watch() -> None:
    environment: Environment = settings.ENVIRONMENT
    if environment.watch_dir is not None:
        look_through(
            environment.watch_dir, actor=Actor(label="watched folder", is_operator=True), now=utc_now()
        )


@app.task(name="ingestion.tidy", queue=INGESTION, queueing_lock="tidy")
def tidy() -> None:
    environment: Environment = settings.ENVIRONMENT
    discard_abandoned(utc_now())
    expire_reviews(environment.review_days, now=utc_now())
    remove_failed(environment.review_days, now=utc_now())
    clear_abandoned()


@app.task(name="ingestion.undo", queue=INGESTION, retry=_RETRY)
def undo(import_id: str) -> None:
    run_undo(UUID(import_id))
