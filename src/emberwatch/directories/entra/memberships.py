"""Groups and roles of accounts, those that come through other groups included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.directories.base import DirectoryError, Membership, Memberships
from emberwatch.directories.entra.batch import Answer, Batches
from emberwatch.directories.entra.graph import (
    Forbidden,
    Graph,
    GraphReply,
    GraphRequest,
    NoSuchOperation,
    UnsupportedQuery,
)
from emberwatch.directories.entra.roles import harmless_roles, is_privileged

# A directory lets nobody be in so many groups that more pages than this could be right.
MOST_PAGES: Final = 50
_SELECT: Final = "id,displayName,roleTemplateId,isAssignableToRole"
_REFUSED: Final = (NoSuchOperation, UnsupportedQuery, Forbidden)

Read: TypeAlias = Callable[[Mapping[str, Any]], Membership | None]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask. ``tells_all``: without it only a finding counts, never the lack of one."""

    request: Callable[[UUID], GraphRequest]
    read: Read
    tells_all: bool = True


def _member_of(relation: str, *, advanced: bool = False) -> Callable[[UUID], GraphRequest]:
    params = {"$select": _SELECT, "$top": "999"} | ({"$count": "true"} if advanced else {})
    return lambda object_id: GraphRequest(f"/users/{object_id}/{relation}", params, advanced)


def _assignments(object_id: UUID) -> GraphRequest:
    params = {"$filter": f"principalId eq '{object_id}'"}
    return GraphRequest("/roleManagement/directory/roleAssignments", params)


def _membership(item: Mapping[str, Any]) -> Membership | None:
    kind = str(item.get("@odata.type", "")).rpartition(".")[2]
    name, key = str(item.get("displayName") or ""), str(item.get("id") or "").lower()
    template = str(item.get("roleTemplateId") or "").lower()
    if kind == "directoryRole" or template:
        return Membership(
            template or key, name or template or key, is_role=True, privileged=is_privileged(template)
        )
    if kind not in ("group", ""):
        return None
    # Graph names every group that we may read; one without a name hides whether it carries a role.
    privileged = item.get("isAssignableToRole") is True or not name
    return Membership(key, name or key, is_role=False, privileged=privileged)


def _assignment(item: Mapping[str, Any]) -> Membership:
    # A built-in role's definition has the id of its template.
    template = str(item.get("roleDefinitionId") or "").lower()
    name = harmless_roles().get(template, template)
    return Membership(template, name, is_role=True, privileged=is_privileged(template))


WAYS: Final = (
    Way(_member_of("transitiveMemberOf"), _membership),
    Way(_member_of("transitiveMemberOf", advanced=True), _membership),
    Way(_member_of("memberOf"), _membership),
    Way(_assignments, _assignment, tells_all=False),
)


@dataclass(slots=True)
class _Trail:
    """What one way has brought so far for one account."""

    request: GraphRequest | None
    found: list[Membership] = field(default_factory=list)
    request_id: str = ""
    error: DirectoryError | None = None

    def take(self, answer: Answer, read: Read, root: str) -> None:
        try:
            if isinstance(answer, DirectoryError):
                raise answer
            self.found.extend(each for item in answer.items if (each := read(item)))
            self.request_id = answer.request_id
            self.request = self._following(answer, root)
        except DirectoryError as error:
            self.error, self.request = error, None

    def _following(self, reply: GraphReply, root: str) -> GraphRequest | None:
        if not reply.next_link:
            return None
        if not reply.next_link.startswith(f"{root}/"):
            raise DirectoryError("Microsoft Graph's next link leads elsewhere.")
        advanced = self.request is not None and self.request.advanced
        return GraphRequest(reply.next_link.removeprefix(root), advanced=advanced)


def read_memberships(
    graph: Graph, batches: Batches, object_ids: Sequence[UUID], clock: Clock
) -> dict[UUID, Memberships | DirectoryError]:
    """Asks in the first of the :data:`WAYS` that an account's directory does not refuse."""
    done: dict[UUID, Memberships | DirectoryError] = {}
    for way in WAYS:
        rest = [each for each in dict.fromkeys(object_ids) if _goes_on(done.get(each))]
        for object_id, trail in _walk(graph, batches, way, rest).items():
            done[object_id] = _outcome(way, trail, done.get(object_id), clock)
    return {object_id: done[object_id] for object_id in object_ids}


def _goes_on(known: Memberships | DirectoryError | None) -> bool:
    return known is None or isinstance(known, _REFUSED)


def _walk(graph: Graph, batches: Batches, way: Way, object_ids: Sequence[UUID]) -> dict[UUID, _Trail]:
    trails = {object_id: _Trail(way.request(object_id)) for object_id in object_ids}
    for _ in range(MOST_PAGES):
        asked = [(trail, trail.request) for trail in trails.values() if trail.request is not None]
        if not asked:
            return trails
        for (trail, _), answer in zip(asked, _ask(batches, [each for _, each in asked]), strict=True):
            trail.take(answer, way.read, graph.root)
    for trail in trails.values():
        if trail.request is not None:
            trail.error = DirectoryError("Microsoft Graph's list of groups does not end.")
    return trails


def _ask(batches: Batches, requests: Sequence[GraphRequest]) -> Sequence[Answer]:
    try:
        return batches.ask(requests)
    except DirectoryError as error:
        return [error] * len(requests)


def _outcome(
    way: Way, trail: _Trail, before: Memberships | DirectoryError | None, clock: Clock
) -> Memberships | DirectoryError:
    if trail.error is not None:
        return trail.error
    if not way.tells_all and not any(each.privileged for each in trail.found):
        # Groups are unknown here, so "nothing found" would be no answer.
        return before or DirectoryError("The directory does not tell this account's groups.")
    return Memberships(tuple(dict.fromkeys(trail.found)), clock(), trail.request_id)
