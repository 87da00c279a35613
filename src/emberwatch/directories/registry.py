"""The systems that Emberwatch can connect to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock
from emberwatch.directories.actions import ActionKind
from emberwatch.directories.base import ConnectionSettings, Directory
from emberwatch.directories.entra import actions, adapter
from emberwatch.http.client import OnCall


class Connect(Protocol):
    def __call__(
        self,
        settings: ConnectionSettings,
        environment: Environment,
        clock: Clock,
        on_call: OnCall | None,
        *,
        dry_run: bool = False,
    ) -> Directory: ...


CONNECTORS: Final[Mapping[str, Connect]] = {"entra": adapter.connect}

# Of each kind of directory: the permission that an action needs and the application does not hold, or nothing.
LACKING: Final[Mapping[str, Callable[[ActionKind, Collection[str]], str]]] = {"entra": actions.lacking}
# The check's name for what an action needs.
ABILITY_NAMES: Final[Mapping[str, Mapping[ActionKind, str]]] = {
    "entra": {kind: ability.name for kind, ability in actions.ABILITY_OF.items()}
}
