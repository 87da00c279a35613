"""What every handler needs: the world, the token key and the server's own address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from emberwatch.simulator.faults import FaultPlan
from emberwatch.simulator.journal import Journal
from emberwatch.simulator.keys import TokenKey
from emberwatch.simulator.messages import Reply, Request
from emberwatch.simulator.permissions import GRAPH_APP_ID
from emberwatch.simulator.scenario import Cloud
from emberwatch.simulator.state import World

Channel = Literal["token", "login", "graph", "portal", "control"]


_GRAPH_HOSTS: Final[Mapping[Cloud, str]] = {
    Cloud.GLOBAL: "https://graph.microsoft.com",
    Cloud.USGOV: "https://graph.microsoft.us",
    Cloud.USGOVDOD: "https://dod-graph.microsoft.us",
    Cloud.CHINA: "https://microsoftgraph.chinacloudapi.cn",
}


@dataclass(frozen=True, slots=True)
class Context:
    world: World
    key: TokenKey
    origin: str
    """``https://127.0.0.1:PORT``: login, Graph and portal live on one origin."""
    journal: Journal
    faults: FaultPlan

    @property
    def graph_audiences(self) -> frozenset[str]:
        """The names under which Graph can be asked for, and that its tokens may carry."""
        local = self.origin.replace("127.0.0.1", "localhost")
        return frozenset({self.origin, local, _GRAPH_HOSTS[self.world.cloud], GRAPH_APP_ID})


Handler = Callable[[Context, Request, Mapping[str, str]], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the routing table; ``pattern`` is matched against the whole decoded path."""

    name: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    channel: Channel
    handler: Handler


def route(name: str, methods: str, pattern: str, channel: Channel, handler: Handler) -> Route:
    return Route(name, frozenset(methods.split()), re.compile(pattern), channel, handler)
