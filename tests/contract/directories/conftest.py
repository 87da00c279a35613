"""Each test runs twice: against the fake, and against the real adapter over the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import stamina

from tests.contract.directories.worlds import InMemory, Simulated, World


@pytest.fixture(params=[InMemory, Simulated], ids=["fake", "entra"])
def world(request: pytest.FixtureRequest) -> World:
    build: Callable[[], World] = request.param
    return build()


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield
