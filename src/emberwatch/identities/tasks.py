"""Jobs of identities."""

from __future__ import annotations

import math
from uuid import UUID

from django.db import InterfaceError, OperationalError
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from emberwatch.core.clock import utc_now
from emberwatch.engine.facts import announce
from emberwatch.engine.queues import DIRECTORIES
from emberwatch.identities.syncing import due_syncs, sync_directory

_AGAIN = RetryStrategy(
    max_attempts=5, exponential_wait=2, retry_exceptions=(OperationalError, InterfaceError)
)


@app.task(name="identities.sync", queue=DIRECTORIES, retry=_AGAIN)
def sync(sync_id: str) -> None:
    wait = sync_directory(UUID(sync_id))
    if wait is not None:
        announce("directory.sync_moves", sync_id=sync_id, seconds=math.ceil(wait.total_seconds()))


@app.task(name="identities.start_due_syncs", queue=DIRECTORIES, queueing_lock="start_due_syncs")
def start_due() -> None:
    for due in due_syncs(utc_now()):
        announce("directory.sync_moves", sync_id=str(due.id), seconds=0)
