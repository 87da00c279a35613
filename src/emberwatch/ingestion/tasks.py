"""Jobs of ingestion."""

from __future__ import annotations

from uuid import UUID

from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from emberwatch.ingestion.services import fail_import, run_import


@app.task(
    name="ingestion.import",
    queue="ingestion",
    retry=RetryStrategy(
        max_attempts=5, exponential_wait=2, retry_exceptions=(OperationalError, InterfaceError)
    ),
)
def import_leak(import_id: str) -> None:
    try:
        run_import(UUID(import_id))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        fail_import(UUID(import_id), error)
