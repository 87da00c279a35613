"""Jobs of validation."""

from __future__ import annotations

from uuid import UUID

from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from emberwatch.validation.services import fail_validation, run_validation


@app.task(
    name="validation.run",
    queue="validation",
    retry=RetryStrategy(
        max_attempts=5, exponential_wait=2, retry_exceptions=(OperationalError, InterfaceError)
    ),
)
def validate(validation_id: str) -> None:
    try:
        run_validation(UUID(validation_id))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        fail_validation(UUID(validation_id), error)
