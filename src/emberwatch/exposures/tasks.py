"""Jobs of exposures."""

from __future__ import annotations

from procrastinate.contrib.django import app

from emberwatch.core.clock import utc_now
from emberwatch.engine.queues import DIRECTORIES
from emberwatch.exposures.linking import link_waiting


@app.task(name="exposures.link", queue=DIRECTORIES, queueing_lock="link", lock="link")
def link() -> None:
    while link_waiting(utc_now()):
        pass
