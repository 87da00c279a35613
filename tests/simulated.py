"""The simulated Entra ID behind an ``httpx`` transport: no socket, no TLS, thousands of requests a second.

::

    entra = InProcessEntra(scenario)
    with httpx.Client(transport=entra.transport()) as client:
        client.get(f"{entra.url}/v1.0/users", headers=…)

A :class:`Transport` can lose a request before the server acts, lose the reply after it acted, time out, and
call back around each request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal

import httpx

from emberwatch.simulator import Scenario, SimClock
from emberwatch.simulator.context import Context
from emberwatch.simulator.faults import FaultPlan
from emberwatch.simulator.journal import Journal
from emberwatch.simulator.keys import TokenKey
from emberwatch.simulator.messages import Request
from emberwatch.simulator.service import Service
from emberwatch.simulator.state import DirectoryState, World

ORIGIN: Final = "https://127.0.0.1:8443"

Loss = Literal["request lost", "reply lost", "timeout before", "timeout after"]
Choose = Callable[[httpx.Request], Loss | None]
Callback = Callable[[httpx.Request], None]


def _nothing(_request: httpx.Request) -> None:
    return None


@cache
def _key() -> TokenKey:
    # One for all worlds: making one takes longer than most tests.
    return TokenKey()


class InProcessEntra:
    """A world that is asked by calls instead of connections; the handles are those of ``SimulatedEntra``."""

    def __init__(self, scenario: Scenario, clock: SimClock | None = None) -> None:
        self.clock = clock or SimClock(scenario.start)
        self.world = World(scenario, self.clock)
        self.faults = FaultPlan(scenario.faults, seed=scenario.seed)
        self.journal = Journal()
        self.url = self.graph_url = ORIGIN
        self.portal_url = f"{ORIGIN}/portal"
        self.service = Service(Context(self.world, _key(), ORIGIN, self.journal, self.faults))

    def directory(self, name: str) -> DirectoryState:
        """A directory's living state, by its GUID or a domain name."""
        found = self.world.directory(name)
        if found is None:
            raise KeyError(name)
        return found

    def transport(
        self, *, lose: Choose = _nothing, before: Callback = _nothing, after: Callback = _nothing
    ) -> Transport:
        return Transport(self.service, lose, before, after)


@dataclass
class Transport(httpx.BaseTransport):
    """``lose`` decides the fate of each request; ``before`` and ``after`` stand around what the server does.

    Whatever a callback raises reaches the caller: before the server acted, or when it has and nobody was told.
    """

    service: Service
    lose: Choose = field(default=_nothing)
    before: Callback = field(default=_nothing)
    after: Callback = field(default=_nothing)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.before(request)
        loss = self.lose(request)
        if loss == "request lost":
            raise httpx.ConnectError("the request was lost", request=request)
        if loss == "timeout before":
            raise httpx.ConnectTimeout("no connection in time", request=request)
        outcome = self.service.handle(_to_simulator(request))
        self.after(request)
        if loss == "timeout after":
            raise httpx.ReadTimeout("no reply in time", request=request)
        if loss == "reply lost" or outcome.reply is None:
            raise httpx.RemoteProtocolError("the reply was lost", request=request)
        reply = outcome.reply
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body, request=request)


def _to_simulator(request: httpx.Request) -> Request:
    return Request(
        method=request.method,
        target=request.url.raw_path.decode("ascii"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.read(),
    )
