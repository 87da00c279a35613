"""Writes down what cannot be asked for again, through short troubles of the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import stamina
from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")


def persist(write: Callable[[], T]) -> T:
    """Runs ``write``, a whole transaction, again when the database broke it: an answer came once and is not lost."""
    for attempt in stamina.retry_context(
        on=(OperationalError, InterfaceError), attempts=8, timeout=30, wait_initial=0.05, wait_max=5
    ):
        with attempt:
            try:
                return write()
            except (OperationalError, InterfaceError):
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()
                raise
    raise AssertionError("stamina ends with a result or an error")
