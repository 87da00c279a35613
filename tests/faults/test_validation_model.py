"""Safety by model: the real services, adapter and database in histories that nobody would think of.

A history is a list of events: what people do, what breaks, and how far each worker gets in between. It follows
from its seed; a failing one is cut down to the events that it needs. ``--model-histories 10000`` asks for more,
``--model-seed 12345`` for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
import stamina
from django.db import connection

from tests.faults.model.histories import failure_of, history_of, shortened

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Test processes share the histories out among them, in pieces of this number.
PARTS: Final = 6


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(autouse=True)
def _fast_commits(transactional_db: None) -> Iterator[None]:
    """No history survives a power cut anyway: what is committed need not reach the disk at once."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET synchronous_commit")


@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_breaks_a_promise(request: pytest.FixtureRequest, part: int) -> None:
    first: int = request.config.getoption("--model-seed")
    histories: int = request.config.getoption("--model-histories")
    for seed in range(first + part, first + histories, PARTS):
        history = history_of(seed)
        error = failure_of(history)
        if error is not None:
            shorter, error = shortened(history, error)
            raise AssertionError(f"history {seed}: {error}\n{shorter}") from error
