"""The systems that Emberwatch can connect to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock
from emberwatch.directories.base import ConnectionSettings, Directory
from emberwatch.directories.entra import adapter
from emberwatch.http.client import OnCall


class Connect(Protocol):
    def __call__(
        self, settings: ConnectionSettings, environment: Environment, clock: Clock, on_call: OnCall | None
    ) -> Directory: ...


CONNECTORS: Final[Mapping[str, Connect]] = {"entra": adapter.connect}
