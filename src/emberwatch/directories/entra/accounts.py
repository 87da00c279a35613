"""Finds the account behind a login, and turns Graph's user objects into facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.directories.base import AccountFacts, DirectoryError, Lookup
from emberwatch.directories.entra.graph import Graph, UnsupportedQuery

SELECT: Final = ",".join(
    (
        "id",
        "userPrincipalName",
        "mail",
        "displayName",
        "accountEnabled",
        "userType",
        "createdDateTime",
        "lastPasswordChangeDateTime",
        "passwordPolicies",
        "onPremisesSyncEnabled",
    )
)

# A login names an account by one of these; the first that answers wins.
_SEARCHES: Final = (
    ("userPrincipalName", "userPrincipalName eq '{0}'", False),
    ("mail", "mail eq '{0}'", False),
    ("proxyAddresses", "proxyAddresses/any(p:p eq 'smtp:{0}')", True),
)


def find_account(graph: Graph, login: str, clock: Clock) -> Lookup:
    """Searches by sign-in name, then mail, then alias. Two accounts for one login are an error, not a choice."""
    quoted = login.replace("'", "''")
    searched, complete, request_id = [], True, ""
    for name, pattern, advanced in _SEARCHES:
        params = {"$filter": pattern.format(quoted), "$select": SELECT}
        if advanced:
            params["$count"] = "true"
        try:
            reply = graph.get("/users", params, advanced=advanced)
        except UnsupportedQuery:
            complete = False
            continue
        searched.append(name)
        request_id = reply.request_id
        found = reply.body.get("value", [])
        if len(found) > 1:
            raise DirectoryError(f"The directory holds {len(found)} accounts whose {name} is this login.")
        if found:
            account = account_facts(found[0], found_by=name, read_at=clock())
            return Lookup(account, clock(), tuple(searched), complete, request_id)
    return Lookup(None, clock(), tuple(searched), complete, request_id)


def account_facts(user: Mapping[str, Any], *, found_by: str, read_at: datetime) -> AccountFacts:
    """Raises :class:`DirectoryError` when the object lacks what no account can lack."""
    try:
        object_id = UUID(str(user["id"]))
        name = str(user["userPrincipalName"])
    except (KeyError, ValueError):
        raise DirectoryError("Microsoft Graph described an account without an id or sign-in name.") from None
    return AccountFacts(
        object_id=object_id,
        user_principal_name=name,
        display_name=str(user.get("displayName") or ""),
        mail=str(user.get("mail") or ""),
        enabled=user.get("accountEnabled"),
        user_type=str(user.get("userType") or ""),
        synced=bool(user.get("onPremisesSyncEnabled")),
        last_password_change_at=_moment(user.get("lastPasswordChangeDateTime")),
        created_at=_moment(user.get("createdDateTime")),
        password_policies=str(user.get("passwordPolicies") or ""),
        read_at=read_at,
        found_by=found_by,
    )


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
