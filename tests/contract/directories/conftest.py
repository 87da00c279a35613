"""Each test runs twice: against the fake, and against the real adapter over the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from tests.contract.directories.worlds import InMemory, Simulated, World


@pytest.fixture(params=[InMemory, Simulated], ids=["fake", "entra"])
def build(request: pytest.FixtureRequest) -> type[InMemory] | type[Simulated]:
    chosen: type[InMemory] | type[Simulated] = request.param
    return chosen


@pytest.fixture
def world(build: type[InMemory] | type[Simulated]) -> World:
    return build()


@pytest.fixture
def bare_world(build: type[InMemory] | type[Simulated]) -> World:
    """The same without the optional permissions."""
    return build(optional=False)


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield
