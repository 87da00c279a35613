"""One Graph request on its way to the function that answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emberwatch.simulator.context import Context
from emberwatch.simulator.messages import Reply, Request
from emberwatch.simulator.scenario_apps import principal_of
from emberwatch.simulator.state import DirectoryState


@dataclass(frozen=True, slots=True)
class Call:
    """One Graph request that passed the token check and the permission gate."""

    context: Context
    request: Request
    directory: DirectoryState
    roles: frozenset[str]
    params: Mapping[str, str]
    client_id: str
    dispatch: Callable[[Request], Reply]
    """Answers another request as if the same app had sent it by itself."""
    addressed: Callable[[Request, Reply], Reply]
    """A reply to another request, with what that was to write."""

    @property
    def origin(self) -> str:
        return self.context.origin

    @property
    def principal_id(self) -> str:
        """The object id of the app's service principal."""
        return principal_of(self.client_id)

    @property
    def eventual(self) -> bool:
        """Whether the client accepts answers from the advanced query service."""
        return self.request.headers.get("consistencylevel", "").lower() == "eventual"
