"""Runs granian: one main process that watches, and processes that each join the database and answer requests."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any, Final

from django.db import connections
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

from emberwatch.config.boot import boot

# Each thread may hold a connection to the database.
THREADS: Final = 8
STOP_SECONDS: Final = 10
# Its own lines go where ours go, in our shape.
LOGGING: Final[dict[str, Any]] = {
    "handlers": {},
    "formatters": {},
    "loggers": {"_granian": {}, "granian.access": {"level": "WARNING"}},
}


def run(host: str, port: int, workers: int) -> None:
    """Serves until a signal ends it."""
    # A forked process must not share this one's connection.
    connections.close_all()
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork", force=True)
    server = Server(
        "emberwatch.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=workers,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig=LOGGING,
    )
    server.serve(target_loader=load)


def load(target: str) -> Callable[..., Any]:
    """What each process does first: the application, with the database joined and looked after."""
    del target
    _end_with_parent()
    boot(long_lived=True)
    from emberwatch.config.wsgi import application

    return application


def _end_with_parent() -> None:
    """A killed main process cannot stop the others, which would go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="parent").start()
