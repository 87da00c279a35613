"""Brings the process of a command up: settings, database, Django, and tables of this version."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from emberwatch.config.environment import Environment
from emberwatch.core.errors import Conflict


def start(*, long_lived: bool = False) -> Environment:
    """Call it before anything that needs a model is imported.

    The embedded database is brought up to date by itself; another one only by ``emberwatch migrate``, because
    other machines may still run the version before.
    """
    environment = prepare(long_lived=long_lived)
    from emberwatch.cli.migrations import apply, pending

    if environment.uses_embedded_database:
        apply()
    elif pending():
        raise Conflict("The database is not up to date.", remedy="Run `emberwatch migrate` once, then start.")
    return environment


def prepare(*, long_lived: bool = False) -> Environment:
    """Like :func:`start`, whatever the state of the tables."""
    from emberwatch.config.boot import boot

    environment = boot(long_lived=long_lived)
    if not long_lived:
        # A person reads the one line that the command prints; logs are for processes that stay.
        logging.getLogger("emberwatch").setLevel(logging.ERROR)
    return environment


def end_with_standard_input() -> None:
    """Ends this process when whoever started it closes our standard input, or is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True, name="parent").start()
