"""Brings one process up: settings, the embedded database if it is the chosen one, then Django."""

from __future__ import annotations

import atexit
import os
import threading
from typing import Final

import django
import structlog

from emberwatch.config.embedded import EmbeddedPostgres
from emberwatch.config.environment import Environment, load
from emberwatch.core.errors import Unavailable

log = structlog.get_logger(__name__)

LOOK_AFTER_SECONDS: Final = 2.0


def boot(*, long_lived: bool = False) -> Environment:
    """Starts or joins the embedded database and sets Django up; call once, before any model is imported.

    ``long_lived``: a process that stays also starts the database again when somebody kills it.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "emberwatch.config.settings")
    environment = load()
    environment.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if environment.uses_embedded_database:
        database = EmbeddedPostgres(environment.data_dir)
        database.acquire()
        if long_lived:
            _look_after(database)
    django.setup()
    return environment


def _look_after(database: EmbeddedPostgres) -> None:
    """Keeps the database running until this process ends; it ends its watch before the database is left."""
    leaving = threading.Event()

    def watch() -> None:
        while not leaving.wait(LOOK_AFTER_SECONDS):
            try:
                database.acquire()
            except Unavailable as error:
                log.error("database_unavailable", reason=str(error))

    watching = threading.Thread(target=watch, daemon=True, name="database")
    watching.start()

    def leave() -> None:
        leaving.set()
        watching.join(timeout=30)

    # Registered after the database's own hook, so it runs before that one.
    atexit.register(leave)
