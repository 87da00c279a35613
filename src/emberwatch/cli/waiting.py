"""Waits for what workers do; starts one if none runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import typer

from emberwatch.cli.children import Child
from emberwatch.core.errors import Unavailable

POLL_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Moving:
    total: int
    done: int = 0


def wait_until_at_rest(how_far: Callable[[], Moving | None], what: str = "validated") -> None:
    """``how_far`` answers ``None`` when waiting would bring nothing more."""
    from emberwatch.core.clock import utc_now
    from emberwatch.engine.queries import worker_is_alive

    with ExitStack() as stack:
        child = None if worker_is_alive(utc_now()) else stack.enter_context(Child("worker"))
        while (moving := how_far()) is not None:
            if child is None and not worker_is_alive(utc_now()):
                child = stack.enter_context(Child("worker"))
            if child is not None and child.has_ended():
                raise Unavailable("The worker has ended; what was asked for stays queued.")
            _draw(moving.done, moving.total, what)
            time.sleep(POLL_SECONDS)
        _draw(0, 0, what)


def _draw(done: int, total: int, what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} {what}" if total else "\r\033[K")
        sys.stderr.flush()


def say_if_nobody_works() -> None:
    from emberwatch.core.clock import utc_now
    from emberwatch.engine.queries import worker_is_alive

    if not worker_is_alive(utc_now()):
        typer.echo("No worker is running: start `emberwatch worker`, or give --wait.", err=True)
