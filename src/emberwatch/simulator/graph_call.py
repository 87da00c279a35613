"""One Graph request on its way to the function that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emberwatch.simulator.context import Context
from emberwatch.simulator.messages import Request
from emberwatch.simulator.state import DirectoryState


@dataclass(frozen=True, slots=True)
class Call:
    """One Graph request that passed the token check and the permission gate."""

    context: Context
    request: Request
    directory: DirectoryState
    roles: frozenset[str]
    params: Mapping[str, str]

    @property
    def origin(self) -> str:
        return self.context.origin
