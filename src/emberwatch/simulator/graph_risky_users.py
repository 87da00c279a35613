"""Graph's answers about risky users, under the licence and the limit of Identity Protection."""

from __future__ import annotations

from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import take_page
from emberwatch.simulator.graph_replies import not_found
from emberwatch.simulator.graph_reports import Report, read_report, report_entry, report_page
from emberwatch.simulator.graph_risk import admit
from emberwatch.simulator.messages import Reply, graph_time
from emberwatch.simulator.odata_filter import Fields, matches
from emberwatch.simulator.scenario import RiskScenario
from emberwatch.simulator.state import UserState

# fmt: off
_PROPERTIES: Final = frozenset({
    "id", "isDeleted", "isProcessing", "riskDetail", "riskLastUpdatedDateTime", "riskLevel", "riskState",
    "userDisplayName", "userPrincipalName",
})
# fmt: on
_TEXT: Final = frozenset({"eq", "ne", "in"})
_REPORT: Final = Report(
    path="identityProtection/riskyUsers",
    properties=_PROPERTIES,
    fields=Fields(
        single={
            "id": _TEXT,
            "isDeleted": frozenset({"eq"}),
            "riskLevel": _TEXT,
            "riskState": _TEXT,
            "userPrincipalName": frozenset({"eq", "startsWith"}),
        }
    ),
    most=500,
    default=100,
    orders=frozenset(),
)


def list_risky_users(call: Call) -> Reply:
    """``GET /identityProtection/riskyUsers``; deleted ones stay in it."""
    admit(call)
    query, wanted = read_report(call, _REPORT)
    rated = ((user, user.seen.risk) for user in call.directory.users.values())
    rows = [(user.number, _object(user, risk)) for user, risk in rated if risk is not None]
    return report_page(
        call, _REPORT, *take_page(query, [row for row in rows if wanted is None or matches(wanted, row[1])])
    )


def get_risky_user(call: Call) -> Reply:
    """``GET /identityProtection/riskyUsers/{id}``."""
    admit(call)
    user = call.directory.users.get(call.params["id"].lower())
    risk = user.seen.risk if user is not None else None
    if user is None or risk is None:
        raise not_found(call.params["id"])
    return report_entry(call, _REPORT, _object(user, risk))


def _object(user: UserState, risk: RiskScenario) -> Object:
    return {
        "id": user.id,
        "isDeleted": user.deleted,
        "isProcessing": False,
        "riskDetail": risk.detail,
        "riskLastUpdatedDateTime": graph_time(risk.updated),
        "riskLevel": risk.level,
        "riskState": risk.state,
        "userDisplayName": user.properties["displayName"],
        "userPrincipalName": user.scenario.upn,
    }
