"""Jobs of directories."""

from __future__ import annotations

from procrastinate.contrib.django import app

from emberwatch.core.clock import utc_now
from emberwatch.directories.calls import forget_old_calls
from emberwatch.engine.queues import VALIDATION


@app.task(name="directories.forget_calls", queue=VALIDATION, queueing_lock="forget_calls")
def forget_calls() -> None:
    forget_old_calls(utc_now())
