"""Safety by model: the real services, adapter and database in histories that nobody would think of.

A history is what people do, what breaks, and how far each worker gets in between. A failing one is cut down to
the steps that it needs. ``--model-histories 10000`` asks for more, ``--model-seed 12345`` for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
import stamina
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.model.machine import STEPS, Installed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Test processes share the histories out among them, in pieces of this number.
PARTS: Final = 6
PHASES: Final = (Phase.generate, Phase.shrink)


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
    wanted = settings(
        max_examples=max(histories // PARTS, 1),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(first + part)(Installed), settings=wanted)
