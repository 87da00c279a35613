"""Graph's answers about risk detections, with the licence and the limit that Identity Protection has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import take_page
from emberwatch.simulator.graph_replies import GraphError, not_found
from emberwatch.simulator.graph_reports import Report, read_report, report_entry, report_page
from emberwatch.simulator.messages import Reply, graph_time
from emberwatch.simulator.odata_filter import Fields, matches
from emberwatch.simulator.scenario import RiskDetectionScenario
from emberwatch.simulator.state import DirectoryState, UserState

_SECONDS_BETWEEN: Final = 1.0
_REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "Forbidden": (403, "Your directory is not licensed for this feature."),
    "AccessDenied": (403, "The directory is not licensed for Identity Protection."),
    "AadPremiumLicenseRequired": (400, "The directory needs a Microsoft Entra ID premium licence."),
}
_TEXT: Final = frozenset({"eq", "ne", "in"})
_NAME: Final = frozenset({"eq", "startsWith"})
_TIME: Final = frozenset({"eq", "ge", "le"})
# fmt: off
_PROPERTIES: Final = frozenset({
    "id", "activity", "activityDateTime", "additionalInfo", "correlationId", "detectedDateTime",
    "detectionTimingType", "ipAddress", "lastUpdatedDateTime", "location", "requestId", "riskDetail",
    "riskEventType", "riskLevel", "riskState", "source", "tokenIssuerType", "userDisplayName", "userId",
    "userPrincipalName",
})
# fmt: on
_REPORT: Final = Report(
    path="identityProtection/riskDetections",
    properties=_PROPERTIES,
    fields=Fields(
        single={
            "id": _TEXT,
            "riskEventType": _TEXT,
            "riskLevel": _TEXT,
            "riskState": _TEXT,
            "userId": _TEXT,
            "userPrincipalName": _NAME,
            "detectedDateTime": _TIME,
            "activityDateTime": _TIME,
        },
        times=frozenset({"detectedDateTime", "activityDateTime"}),
    ),
    most=500,
    default=100,
    orders=frozenset(),
)


def list_risk_detections(call: Call) -> Reply:
    """``GET /identityProtection/riskDetections``, in the order in which they were entered."""
    admit(call)
    query, wanted = read_report(call, _REPORT)
    shown = [
        (number, _object(detection, user))
        for number, detection, user in _visible(call.directory)
        if wanted is None or matches(wanted, _compared(detection, user))
    ]
    return report_page(call, _REPORT, *take_page(query, shown))


def get_risk_detection(call: Call) -> Reply:
    """``GET /identityProtection/riskDetections/{id}``."""
    admit(call)
    for _, detection, user in _visible(call.directory):
        if detection.object_id.lower() == call.params["id"].lower():
            return report_entry(call, _REPORT, _object(detection, user))
    raise not_found(call.params["id"])


def admit(call: Call) -> None:
    """Limit first, then licence; the permission was looked at before."""
    directory, own = call.directory, call.directory.scenario
    now = directory.world.clock().timestamp()
    last = directory.protection_asked
    if own.one_protection_request_a_second and last is not None and 0 <= now - last < _SECONDS_BETWEEN:
        raise GraphError(429, "TooManyRequests", "Too many requests.")
    directory.protection_asked = now
    if not own.premium:
        status, message = _REFUSALS[own.premium_refusal]
        raise GraphError(status, own.premium_refusal, message)


def _visible(directory: DirectoryState) -> Iterator[tuple[int, RiskDetectionScenario, UserState]]:
    now = directory.world.clock()
    for number, (detection, user_id) in enumerate(directory.detections, 1):
        if detection.detected <= now:
            yield number, detection, directory.users[user_id]


def _compared(detection: RiskDetectionScenario, user: UserState) -> Mapping[str, Any]:
    """What a filter sees: times as times, in whole seconds as they are shown."""
    shown = _object(detection, user)
    times = {"detectedDateTime": detection.detected, "activityDateTime": _activity(detection)}
    return {**shown, **{name: moment.replace(microsecond=0) for name, moment in times.items()}}


def _activity(detection: RiskDetectionScenario) -> datetime:
    return detection.activity or detection.detected


def _object(detection: RiskDetectionScenario, user: UserState) -> Object:
    return {
        "id": detection.object_id,
        "activity": "user",
        "activityDateTime": graph_time(_activity(detection)),
        "additionalInfo": "[]",
        "correlationId": None,
        "detectedDateTime": graph_time(detection.detected),
        "detectionTimingType": "offline",
        "ipAddress": None,
        "lastUpdatedDateTime": graph_time(detection.detected),
        "location": None,
        "requestId": None,
        "riskDetail": "none",
        "riskEventType": detection.risk_event_type,
        "riskLevel": detection.risk_level,
        "riskState": detection.risk_state,
        "source": "IdentityProtection",
        "tokenIssuerType": "AzureAD",
        "userDisplayName": user.properties["displayName"],
        "userId": user.id,
        "userPrincipalName": user.scenario.upn,
    }
