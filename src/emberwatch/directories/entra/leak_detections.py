"""Microsoft's own findings that a leaked password of an account was its current one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.directories.base import DirectoryError, LeakDetection, NotOffered
from emberwatch.directories.entra.abilities import LEAK_DETECTIONS
from emberwatch.directories.entra.accounts import moment
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.kept import Kept
from emberwatch.directories.entra.tokens import AppTokens

STAYS_FRESH: Final = timedelta(minutes=5)
# This service takes one request a second from all applications of a directory together, and does not tell so.
SECONDS_BETWEEN: Final = 1.0
_KIND: Final = "leakedCredentials"
_PARAMS: Final = {"$filter": f"riskEventType eq '{_KIND}'", "$top": "500"}

Listing: TypeAlias = tuple[LeakDetection, ...] | NotOffered


class LeakDetections:
    """One listing for the whole directory serves every account for some minutes; so does a refusal."""

    def __init__(self, graph: Graph, tokens: AppTokens, clock: Clock) -> None:
        self._graph = graph
        self._tokens = tokens
        self._listing: Kept[Listing] = Kept(self._list, STAYS_FRESH, clock)

    def of(self, object_ids: Collection[UUID]) -> tuple[LeakDetection, ...]:
        """Findings on these accounts, newest first."""
        listing, wanted = self._listing.get(), frozenset(object_ids)
        if isinstance(listing, NotOffered):
            raise NotOffered(listing.message, remedy=listing.remedy, code=listing.code)
        return tuple(each for each in listing if each.object_id in wanted)

    def _list(self) -> Listing:
        try:
            rows = self._graph.pages(
                "/identityProtection/riskDetections", _PARAMS, untold_wait=SECONDS_BETWEEN
            )
            found = [each for row in rows if (each := _detection(row))]
        except DirectoryError as error:
            refusal = LEAK_DETECTIONS.refusal(error, self._tokens.roles())
            if isinstance(refusal, NotOffered):
                return refusal
            raise
        return tuple(sorted(found, key=lambda each: each.detected_at, reverse=True))


def _detection(row: Mapping[str, Any]) -> LeakDetection | None:
    detected = moment(row.get("detectedDateTime") or row.get("activityDateTime"))
    try:
        object_id = UUID(str(row.get("userId")))
    except ValueError:
        return None
    if row.get("riskEventType") != _KIND or detected is None:
        return None
    return LeakDetection(str(row.get("id") or ""), object_id, detected)
