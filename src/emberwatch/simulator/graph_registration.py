"""Graph's report on who registered which authentication methods."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_replies import not_found
from emberwatch.simulator.graph_reports import Report, read_report, report_entry, report_page
from emberwatch.simulator.graph_sign_ins import require_licence
from emberwatch.simulator.messages import Reply, graph_time
from emberwatch.simulator.odata_filter import Fields, matches
from emberwatch.simulator.state import DirectoryState, UserState

_PASSWORDLESS: Final = frozenset(
    {
        "windowsHelloForBusiness",
        "fido2SecurityKey",
        "microsoftAuthenticatorPasswordless",
        "passKeyDeviceBound",
    }
)
_RESET_ONLY: Final = frozenset({"email", "securityQuestion"})
"""Methods that reset a password and are no second factor."""
_PREFERRED: Final = (
    ("microsoftAuthenticatorPush", "push"),
    ("softwareOneTimePasscode", "oath"),
    ("mobilePhone", "sms"),
)
# fmt: off
_PROPERTIES: Final = frozenset({
    "id", "isAdmin", "isMfaCapable", "isMfaRegistered", "isPasswordlessCapable", "isSsprCapable",
    "isSsprEnabled", "isSsprRegistered", "isSystemPreferredAuthenticationMethodEnabled",
    "lastUpdatedDateTime", "methodsRegistered", "systemPreferredAuthenticationMethods", "userDisplayName",
    "userPreferredMethodForSecondaryAuthentication", "userPrincipalName", "userType",
})
# fmt: on
_FLAG: Final = frozenset({"eq"})
_NAME: Final = frozenset({"eq", "startsWith"})
_REPORT: Final = Report(
    path="reports/authenticationMethods/userRegistrationDetails",
    properties=_PROPERTIES,
    fields=Fields(
        single={
            "id": _FLAG,
            "userPrincipalName": _NAME,
            "userDisplayName": _NAME,
            "userType": _FLAG,
            "isAdmin": _FLAG,
            "isMfaRegistered": _FLAG,
            "isMfaCapable": _FLAG,
            "isSsprRegistered": _FLAG,
            "isPasswordlessCapable": _FLAG,
        },
        many={"methodsRegistered": _FLAG},
    ),
    most=1000,
    default=1000,
    orders=frozenset({"userPrincipalName", "userPrincipalName asc"}),
)


def list_registrations(call: Call) -> Reply:
    """``GET /reports/authenticationMethods/userRegistrationDetails``."""
    require_licence(call)
    query, wanted = read_report(call, _REPORT)
    admins = _admins(call.directory)
    rows = ((user.number, _object(user, admins)) for user in call.directory.present_after(query.after))
    matching = (row for row in rows if wanted is None or matches(wanted, row[1]))
    found = list(islice(matching, query.top + 1))
    following = found[query.top - 1][0] if len(found) > query.top else None
    return report_page(call, _REPORT, [row for _, row in found[: query.top]], following)


def get_registration(call: Call) -> Reply:
    """``GET /reports/authenticationMethods/userRegistrationDetails/{id}``."""
    require_licence(call)
    user = call.directory.users.get(call.params["id"].lower())
    if user is None or user.deleted:
        raise not_found(call.params["id"])
    return report_entry(call, _REPORT, _object(user, _admins(call.directory)))


def _admins(directory: DirectoryState) -> set[str]:
    """Who holds a directory role, by itself or through a group."""
    known = directory.memberships
    admins: set[str] = set()
    for role in known.roles.values():
        admins.update(role.people)
        for holder in role.holders:
            admins.update(user for group in known.downwards(known.groups[holder]) for user in group.people)
    return admins


def _object(user: UserState, admins: set[str]) -> Object:
    own = user.scenario
    factors = [method for method in own.methods if method not in _RESET_ONLY]
    preferred = next((name for method, name in _PREFERRED if method in factors), "none")
    flags: dict[str, Any] = {
        "isAdmin": user.id in admins,
        "isMfaCapable": bool(factors),
        "isMfaRegistered": bool(factors),
        "isPasswordlessCapable": not _PASSWORDLESS.isdisjoint(factors),
        "isSsprCapable": bool(own.methods),
        "isSsprEnabled": True,
        "isSsprRegistered": bool(own.methods),
        "isSystemPreferredAuthenticationMethodEnabled": True,
    }
    return {
        "id": user.id,
        **flags,
        "lastUpdatedDateTime": graph_time(own.created),
        "methodsRegistered": list(own.methods),
        "systemPreferredAuthenticationMethods": factors[:1],
        "userDisplayName": user.properties["displayName"],
        "userPreferredMethodForSecondaryAuthentication": preferred,
        "userPrincipalName": own.upn,
        "userType": own.user_type.lower(),
    }
