"""Graph's answers about the sign-in log, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_replies import GraphError, not_found
from emberwatch.simulator.graph_reports import Report, read_report, report_entry, report_page
from emberwatch.simulator.messages import Reply, graph_time
from emberwatch.simulator.odata_filter import Both, Compare, Fields, Node, matches
from emberwatch.simulator.sign_in_log import SignInEntry
from emberwatch.simulator.state import DirectoryState

_KEPT: Final = timedelta(days=30)
_POLICY_BLOCK: Final = 53003
_TEXT: Final = frozenset({"eq"})
_NAME: Final = frozenset({"eq", "startsWith"})
# fmt: off
_PROPERTIES: Final = frozenset({
    "id", "appDisplayName", "appId", "appliedConditionalAccessPolicies", "clientAppUsed",
    "conditionalAccessStatus", "correlationId", "createdDateTime", "deviceDetail", "ipAddress",
    "isInteractive", "location", "resourceDisplayName", "resourceId", "riskDetail", "riskEventTypes",
    "riskEventTypes_v2", "riskLevelAggregated", "riskLevelDuringSignIn", "riskState", "status",
    "userDisplayName", "userId", "userPrincipalName",
})
# fmt: on
_REPORT: Final = Report(
    path="auditLogs/signIns",
    properties=_PROPERTIES,
    fields=Fields(
        single={
            "id": _TEXT,
            "userId": _TEXT,
            "userPrincipalName": _NAME,
            "appId": _TEXT,
            "appDisplayName": _NAME,
            "ipAddress": _NAME,
            "correlationId": _TEXT,
            "createdDateTime": frozenset({"eq", "ge", "le"}),
            "status/errorCode": _TEXT,
        },
        times=frozenset({"createdDateTime"}),
        numbers=frozenset({"status/errorCode"}),
    ),
    most=1000,
    default=1000,
    orders=frozenset({"createdDateTime desc"}),
)


_READ: Final[Mapping[str, Callable[[SignInEntry], Any]]] = {
    "id": attrgetter("id"),
    "userId": attrgetter("user_id"),
    "userPrincipalName": attrgetter("user_principal_name"),
    "appId": attrgetter("sender.client_id"),
    "appDisplayName": attrgetter("sender.app_name"),
    "ipAddress": attrgetter("sender.address"),
    "correlationId": attrgetter("sender.correlation_id"),
    "createdDateTime": attrgetter("at"),
    "status/errorCode": attrgetter("code"),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """An entry as a filter sees it; nothing is written out for the many that do not match."""

    entry: SignInEntry

    def __getitem__(self, name: str, /) -> Any:
        return _READ[name](self.entry)


def list_sign_ins(call: Call) -> Reply:
    """``GET /auditLogs/signIns``."""
    require_licence(call)
    query, wanted = read_report(call, _REPORT)
    found = list(islice(_matching(call.directory, wanted, query.after), query.top + 1))
    page = found[: query.top]
    following = page[-1].number if len(found) > query.top else None
    return report_page(call, _REPORT, [_object(entry) for entry in page], following)


def get_sign_in(call: Call) -> Reply:
    """``GET /auditLogs/signIns/{id}``."""
    require_licence(call)
    entry = call.directory.sign_ins.find(call.params["id"])
    begin, end = _shown_times(call.directory)
    if entry is None or not begin <= entry.at <= end:
        raise not_found(call.params["id"])
    return report_entry(call, _REPORT, _object(entry))


def require_licence(call: Call) -> None:
    if not call.directory.scenario.premium:
        raise GraphError(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "The directory has no premium licence.",
        )


def _matching(directory: DirectoryState, wanted: Node | None, after: int) -> Iterator[SignInEntry]:
    begin, end = _shown_times(directory)
    if wanted is not None:
        bounds = list(_bounds(wanted))
        begin = max([begin, *(moment for op, moment in bounds if op != "le")])
        end = min([end, *(moment for op, moment in bounds if op != "ge")])
    for entry in directory.sign_ins.newest_first(begin, end, after=after):
        if wanted is None or matches(wanted, _Seen(entry)):
            yield entry


def _shown_times(directory: DirectoryState) -> tuple[datetime, datetime]:
    """The oldest entry that is kept and the newest that shows already."""
    now = directory.world.clock()
    return now - _KEPT, now - timedelta(seconds=directory.scenario.sign_in_log_delay)


def _bounds(node: Node) -> Iterator[tuple[str, datetime]]:
    """The times that every match must keep to: those of the filter's ``and`` branches."""
    match node:
        case Both(left, right):
            yield from _bounds(left)
            yield from _bounds(right)
        case Compare(op=op, value=datetime() as moment):
            yield op, moment


def _object(entry: SignInEntry) -> Object:
    return {
        "id": entry.id,
        "appDisplayName": entry.sender.app_name,
        "appId": entry.sender.client_id,
        "appliedConditionalAccessPolicies": [],
        "clientAppUsed": "Mobile Apps and Desktop clients",
        "conditionalAccessStatus": "failure" if entry.code == _POLICY_BLOCK else "notApplied",
        "correlationId": entry.sender.correlation_id,
        "createdDateTime": graph_time(entry.at),
        "deviceDetail": None,
        "ipAddress": entry.sender.address,
        "isInteractive": True,
        "location": None,
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": "00000003-0000-0000-c000-000000000000",
        "riskDetail": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "status": {"errorCode": entry.code, "failureReason": entry.reason, "additionalDetails": None},
        "userDisplayName": entry.user_display_name,
        "userId": entry.user_id,
        "userPrincipalName": entry.user_principal_name,
    }
