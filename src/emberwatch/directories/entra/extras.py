"""What only some licences and permissions give: last sign-ins, registered methods, risk. One row for each service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from emberwatch.directories.changes import AccountNote, Extra
from emberwatch.directories.entra.abilities import REGISTRATION, RISKY_ACCOUNTS, SIGN_IN_ACTIVITY, Ability
from emberwatch.directories.entra.accounts import moment
from emberwatch.directories.entra.graph import GraphRequest
from emberwatch.directories.entra.users import guid, text_of

_word = text_of(32)


@dataclass(frozen=True, slots=True)
class Service:
    """``seconds_between``: what the service takes without refusing; ``None`` where the usual allowance holds."""

    ability: Ability
    begin: GraphRequest
    read: Callable[[Mapping[str, Any]], dict[str, Any]]
    seconds_between: float | None = None

    def notes(self, rows: Iterable[Mapping[str, Any]]) -> tuple[AccountNote, ...]:
        return tuple(
            AccountNote(object_id, self.read(row))
            for row in rows
            if (object_id := guid(row.get("id"))) is not None
        )


def _sign_ins(row: Mapping[str, Any]) -> dict[str, Any]:
    told = row.get("signInActivity")
    told = told if isinstance(told, dict) else {}
    return {
        "last_sign_in_at": moment(told.get("lastSignInDateTime")),
        "last_successful_sign_in_at": moment(told.get("lastSuccessfulSignInDateTime")),
    }


def _registration(row: Mapping[str, Any]) -> dict[str, Any]:
    methods = row.get("methodsRegistered")
    registered = row.get("isMfaRegistered")
    return {
        "mfa_registered": registered if isinstance(registered, bool) else None,
        "mfa_methods": [str(each) for each in methods] if isinstance(methods, list) else [],
    }


def _risk(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "risk_level": _word(row.get("riskLevel")),
        "risk_state": _word(row.get("riskState")),
        "risk_updated_at": moment(row.get("riskLastUpdatedDateTime")),
    }


SERVICES: Final[Mapping[Extra, Service]] = {
    Extra.SIGN_INS: Service(
        # The service gives smaller pages with this property; a hundred is what every list gives.
        SIGN_IN_ACTIVITY,
        GraphRequest("/users", {"$select": "id,signInActivity", "$top": "100"}),
        _sign_ins,
    ),
    # Reports take five requests in ten seconds.
    Extra.REGISTRATION: Service(
        REGISTRATION,
        GraphRequest("/reports/authenticationMethods/userRegistrationDetails", {"$top": "999"}),
        _registration,
        2.0,
    ),
    # One request a second from all applications of a directory together.
    Extra.RISK: Service(
        RISKY_ACCOUNTS, GraphRequest("/identityProtection/riskyUsers", {"$top": "500"}), _risk, 1.0
    ),
}
