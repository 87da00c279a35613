"""What was asked of a directory and what became of it, for whoever runs Emberwatch. Kept for some days.

A row holds the shape of an address and the ids of both sides, never a body, a query, a name or an id in the address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Avg, Count, Max, Q

from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.ids import new_id
from emberwatch.directories.models import DirectoryCall, DirectoryConnection
from emberwatch.http.client import Call, OnCall

log = structlog.get_logger(__name__)

KEPT_FOR: Final = timedelta(days=3)
PER_PAGE: Final = 50
FORGET_AT_ONCE: Final = 10_000
_MARK: Final = "{id}"
_GRAPH: Final = "/v1.0"
SERVICES: Final = ("graph", "sign-in")
# What a segment may be to be shown: a word of the interface. Ids and names become a mark.
_WORD: Final = re.compile(r"[A-Za-z$][A-Za-z.$-]{0,39}|v[0-9]\.0|oauth2[A-Za-z]*|\.well-known")
# Words that may stand where an id could: what follows these is always an id.
_OWNERS: Final = frozenset(
    {
        "users",
        "groups",
        "domains",
        "organization",
        "directoryRoles",
        "servicePrincipals",
        "applications",
        "deletedItems",
        "signIns",
        "riskDetections",
        "riskyUsers",
    }
)
_ACTIONS: Final = frozenset(
    {
        "delta",
        "$count",
        "microsoft.graph.user",
        "microsoft.graph.group",
        "confirmCompromised",
        "dismiss",
    }
)


def path_template(path: str) -> str:
    """The path with a mark in the place of whatever is not a word of the interface itself."""
    shown: list[str] = []
    for segment in path.split("?")[0].split("/"):
        after_owner = bool(shown) and shown[-1] in _OWNERS and segment not in _ACTIONS
        is_word = not segment or (_WORD.fullmatch(segment) is not None and not after_owner)
        shown.append(segment if is_word else _MARK)
    return "/".join(shown)[:200]


def recorder(connection_id: UUID, clock: Clock = utc_now) -> OnCall:
    """Writes down the calls of one connection; a database that fails never spoils the call itself."""

    def record_call(call: Call) -> None:
        try:
            with transaction.atomic():
                _row(connection_id, call, clock()).save(force_insert=True)
        except DatabaseError as error:
            log.warning("directory_call_not_recorded", reason=type(error).__name__)

    return record_call


def _row(connection_id: UUID, call: Call, now: datetime) -> DirectoryCall:
    return DirectoryCall(
        id=new_id(),
        connection_id=connection_id,
        at=now,
        service="graph" if call.path.startswith(_GRAPH) else "sign-in",
        method=call.method[:8],
        path=path_template(call.path),
        status=call.status,
        failure=call.failure[:64],
        milliseconds=round(call.seconds * 1000),
        request_id=_request_id(call.headers),
        client_request_id=call.client_request_id[:64],
    )


def _request_id(headers: Mapping[str, str]) -> str:
    return str(headers.get("request-id") or headers.get("x-ms-request-id") or "")[:64]


@dataclass(frozen=True, slots=True)
class CallFilters:
    failed: bool = False
    """Only what was refused or got no answer."""
    service: str = ""


def calls_page(
    connection: DirectoryConnection,
    filters: CallFilters,
    before: UUID | None = None,
    *,
    limit: int = PER_PAGE,
) -> tuple[list[DirectoryCall], UUID | None]:
    """One page of the calls, the newest first, and the ``before`` of the next page."""
    if filters.service not in ("", *SERVICES):
        raise BadInput("The service is graph or sign-in.", field="service")
    rows = DirectoryCall.objects.filter(connection_id=connection.pk)
    if filters.failed:
        rows = rows.filter(Q(status=None) | Q(status__gte=400))
    if filters.service:
        rows = rows.filter(service=filters.service)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: limit + 1])
    shown = found[:limit]
    return shown, shown[-1].pk if len(found) > limit else None


@dataclass(frozen=True, slots=True)
class CallCounts:
    """The calls of a time, by what became of them."""

    answered: int
    refused: int
    throttled: int
    failed: int
    unanswered: int
    average_milliseconds: int
    slowest_milliseconds: int
    last_good_at: datetime | None

    @property
    def total(self) -> int:
        return self.answered + self.refused + self.throttled + self.failed + self.unanswered


def count_calls(connection: DirectoryConnection, since: datetime) -> CallCounts:
    rows = DirectoryCall.objects.filter(connection_id=connection.pk, at__gte=since)
    good = Q(status__lt=400)
    found: dict[str, Any] = rows.aggregate(
        answered=Count("pk", filter=good),
        refused=Count("pk", filter=Q(status__gte=400, status__lt=500) & ~Q(status=429)),
        throttled=Count("pk", filter=Q(status=429)),
        failed=Count("pk", filter=Q(status__gte=500)),
        unanswered=Count("pk", filter=Q(status=None)),
        average=Avg("milliseconds"),
        slowest=Max("milliseconds"),
        last_good_at=Max("at", filter=good),
    )
    average, slowest = found.pop("average"), found.pop("slowest")
    return CallCounts(**found, average_milliseconds=round(average or 0), slowest_milliseconds=slowest or 0)


def forget_old_calls(now: datetime) -> int:
    """Deletes what is older than :data:`KEPT_FOR`, a bounded number at once; the rest follows at the next tick."""
    old = DirectoryCall.objects.filter(at__lt=now - KEPT_FOR).order_by("at").values("pk")[:FORGET_AT_ONCE]
    deleted, _ = DirectoryCall.objects.filter(pk__in=old).delete()
    return deleted
