"""Changes of one account by Microsoft Graph: one row for each action, one request for each effect.

Source of paths and permissions: Microsoft Graph's permission reference, gathered 2026-11-23. No request changes two
things: one that is half refused would leave the account as nobody wanted it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.core.secret import Secret
from emberwatch.directories.actions import AccountState, ActionKind, Applied, Refused
from emberwatch.directories.base import DirectoryError
from emberwatch.directories.entra.abilities import ACTION_ABILITIES, Ability
from emberwatch.directories.entra.accounts import is_external, moment
from emberwatch.directories.entra.faults import CONSENT, NOT_PREMIUM, Fault
from emberwatch.directories.entra.graph import (
    Forbidden,
    Graph,
    NoSuchOperation,
    NotInDirectory,
    UnsupportedQuery,
)
from emberwatch.directories.entra.tokens import AppTokens

Body = Callable[[str, UUID], Mapping[str, Any] | None]
_RISKY: Final = "/identityProtection/riskyUsers"
_SELECT: Final = (
    "id,userPrincipalName,userType,externalUserState,accountEnabled,lastPasswordChangeDateTime,"
    "signInSessionsValidFromDateTime,onPremisesSyncEnabled"
)
# 128 random bits and a letter of each kind, which every password rule of Microsoft takes.
_RANDOM_BYTES: Final = 16
_EACH_KIND: Final = "aA1!"


def _nothing(_root: str, _object_id: UUID) -> None:
    return None


def _fixed(body: Mapping[str, Any]) -> Body:
    return lambda _root, _object_id: body


def random_password() -> Secret:
    return Secret(secrets.token_urlsafe(_RANDOM_BYTES) + _EACH_KIND)


def _new_password(_root: str, _object_id: UUID) -> Mapping[str, Any]:
    """The password is never stored, shown or sent anywhere else."""
    password = random_password().expose()
    return {"passwordProfile": {"password": password, "forceChangePasswordNextSignIn": True}}


def _member(root: str, object_id: UUID) -> Mapping[str, Any]:
    return {"@odata.id": f"{root}/directoryObjects/{object_id}"}


def _risk_of(_root: str, object_id: UUID) -> Mapping[str, Any]:
    return {"userIds": [str(object_id)]}


@dataclass(frozen=True, slots=True)
class Row:
    method: str
    path: str
    body: Body
    reads: str = ""
    """What tells that it was done, beside the account's own properties: ``profile``, ``risk`` or ``group``."""


ROWS: Final[Mapping[ActionKind, Row]] = {
    ActionKind.DISABLE_ACCOUNT: Row("PATCH", "/users/{id}", _fixed({"accountEnabled": False})),
    ActionKind.ENABLE_ACCOUNT: Row("PATCH", "/users/{id}", _fixed({"accountEnabled": True})),
    ActionKind.RESET_PASSWORD: Row("PATCH", "/users/{id}", _new_password),
    # Without the second factor whoever holds the leaked password would choose the new one.
    ActionKind.REQUIRE_PASSWORD_CHANGE: Row(
        "PATCH",
        "/users/{id}",
        _fixed({"passwordProfile": {"forceChangePasswordNextSignInWithMfa": True}}),
        "profile",
    ),
    ActionKind.MARK_COMPROMISED: Row("POST", f"{_RISKY}/confirmCompromised", _risk_of, "risk"),
    ActionKind.DISMISS_RISK: Row("POST", f"{_RISKY}/dismiss", _risk_of, "risk"),
    ActionKind.ADD_TO_GROUP: Row("POST", "/groups/{group}/members/$ref", _member, "group"),
    ActionKind.REMOVE_FROM_GROUP: Row("DELETE", "/groups/{group}/members/{id}/$ref", _nothing, "group"),
    ActionKind.REVOKE_SESSIONS: Row("POST", "/users/{id}/revokeSignInSessions", _nothing),
}

ABILITY_OF: Final[Mapping[ActionKind, Ability]] = {
    kind: ability for ability, kinds in ACTION_ABILITIES.items() for kind in kinds
}

SYNCED: Final = Fault(
    "The directory refuses: the account is synchronised from Active Directory, which owns this property.",
    "Change it in Active Directory; the synchronisation brings it here.",
)
PRIVILEGED: Final = Fault(
    "The directory refuses: the account is privileged, and the application's permission does not reach that far.",
    "An administrator has to do it in the Entra admin center, or give the application a directory role for it.",
)
GONE: Final = Fault("The directory does not know the account or the group any more.", "")
NO_EFFECT: Final = Fault(
    "The directory refuses what was asked for this account.",
    "Open the account in the Entra admin center and do it there.",
)
NOT_OFFERED: Final = Fault("This cloud does not offer this action.", "Do it in its admin center.")
_SYNC_WORDS: Final = ("on-premises mastered", "directory sync", "synchronized from")
_LICENCE_CODES: Final = frozenset(
    {
        "AadPremiumLicenseRequired",
        "AccessDenied",
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    }
)


def lacking(kind: ActionKind, roles: Collection[str]) -> str:
    """The permission that an action needs and the application does not hold, or nothing."""
    ability = ABILITY_OF[kind]
    return "" if ability.is_granted(roles) else ability.to_add


class EntraActions:
    """Implements ``Remediator`` of :mod:`emberwatch.directories.actions`."""

    def __init__(self, graph: Graph, tokens: AppTokens, clock: Clock) -> None:
        self._graph = graph
        self._tokens = tokens
        self._clock = clock

    def apply(
        self, kind: ActionKind, object_id: UUID, client_request_id: UUID, group_id: UUID | None = None
    ) -> Applied:
        row = ROWS[kind]
        path = row.path.format(id=object_id, group=group_id)
        try:
            request_id = self._graph.write(
                row.method, path, row.body(self._graph.root, object_id), client_request_id
            )
        except (Forbidden, UnsupportedQuery, NotInDirectory, NoSuchOperation) as error:
            raise self._refusal(kind, error) from None
        return Applied(request_id, self._clock())

    def _refusal(self, kind: ActionKind, error: DirectoryError) -> Refused:
        fault = self._fault(kind, error)
        return Refused(fault.sentence, remedy=fault.remedy, code=error.code)

    def _fault(self, kind: ActionKind, error: DirectoryError) -> Fault:
        if isinstance(error, NotInDirectory):
            return GONE
        if isinstance(error, NoSuchOperation):
            return NOT_OFFERED
        if error.code in _LICENCE_CODES:
            return NOT_PREMIUM
        if isinstance(error, Forbidden):
            return self._forbidden(kind)
        return SYNCED if any(word in _words_of(error) for word in _SYNC_WORDS) else NO_EFFECT

    def _forbidden(self, kind: ActionKind) -> Fault:
        missing = lacking(kind, self._tokens.roles())
        if not missing:
            return PRIVILEGED
        return Fault(
            f"The directory refuses: the application lacks the permission {missing}.",
            f"Add {missing} under Application permissions. {CONSENT}",
        )

    def read_state(self, kind: ActionKind, object_id: UUID, group_id: UUID | None = None) -> AccountState:
        reads = ROWS[kind].reads
        select = f"{_SELECT},passwordProfile" if reads == "profile" else _SELECT
        try:
            told = self._graph.get(f"/users/{object_id}", {"$select": select})
        except NotInDirectory as error:
            raise self._refusal(kind, error) from None
        risk = self._risk(object_id) if reads == "risk" else {}
        user = told.body
        upn, user_type = str(user.get("userPrincipalName") or ""), str(user.get("userType") or "")
        return AccountState(
            read_at=self._clock(),
            request_id=told.request_id,
            enabled=user.get("accountEnabled"),
            sessions_valid_from_at=moment(user.get("signInSessionsValidFromDateTime")),
            last_password_change_at=moment(user.get("lastPasswordChangeDateTime")),
            must_change_password=_must_change(user) if reads == "profile" else None,
            risk_level=str(risk.get("riskLevel") or ""),
            risk_state=str(risk.get("riskState") or ""),
            in_group=self._is_member(object_id, group_id) if reads == "group" else None,
            synced=bool(user.get("onPremisesSyncEnabled")),
            external=is_external(upn, user_type, user.get("externalUserState")),
        )

    def _risk(self, object_id: UUID) -> Mapping[str, Any]:
        try:
            return self._graph.get(f"{_RISKY}/{object_id}").body
        except NotInDirectory:
            # The directory has never seen a risk in this account.
            return {}

    def _is_member(self, object_id: UUID, group_id: UUID | None) -> bool:
        wanted = str(group_id).lower()
        direct = self._graph.pages(f"/users/{object_id}/memberOf", {"$select": "id", "$top": "999"})
        return any(str(item.get("id", "")).lower() == wanted for item in direct)


def _must_change(user: Mapping[str, Any]) -> bool | None:
    profile = user.get("passwordProfile")
    if not isinstance(profile, dict):
        return None
    names = ("forceChangePasswordNextSignIn", "forceChangePasswordNextSignInWithMfa")
    return any(profile.get(name) is True for name in names)


def _words_of(error: DirectoryError) -> str:
    return error.detail.lower() if isinstance(error, UnsupportedQuery) else ""
