"""Finds the accounts behind logins, and turns Graph's user objects into facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.directories.base import AccountFacts, DirectoryError, Looked, Lookup
from emberwatch.directories.entra.batch import Answer
from emberwatch.directories.entra.graph import GraphReply, GraphRequest, UnsupportedQuery

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
        "externalUserState",
    )
)

GUEST: Final = "guest"
GUEST_MARK: Final = "#EXT#"


@dataclass(frozen=True, slots=True)
class Search:
    """One property that a login may stand in."""

    name: str
    pattern: str
    advanced: bool = False

    def request(self, login: str) -> GraphRequest:
        params = {"$filter": self.pattern.format(login.replace("'", "''")), "$select": SELECT}
        return GraphRequest("/users", params | ({"$count": "true"} if self.advanced else {}), self.advanced)

    def read(self, reply: GraphReply, read_at: datetime) -> AccountFacts | None:
        """Two accounts for one login are an error, not a choice."""
        found = reply.items
        if len(found) > 1:
            raise DirectoryError(
                f"The directory holds {len(found)} accounts whose {self.name} is this login."
            )
        return account_facts(found[0], found_by=self.name, read_at=read_at) if found else None


# A login names an account by one of these; the first that answers wins.
SEARCHES: Final = (
    Search("userPrincipalName", "userPrincipalName eq '{0}'"),
    Search("mail", "mail eq '{0}'"),
    Search("proxyAddresses", "proxyAddresses/any(p:p eq 'smtp:{0}')", advanced=True),
)

Ask: TypeAlias = Callable[[Sequence[GraphRequest]], Sequence[Answer]]


@dataclass(slots=True)
class _Trail:
    """What the searches for one login have brought so far."""

    login: str
    searched: tuple[str, ...] = ()
    request_id: str = ""
    refused: dict[str, DirectoryError] = field(default_factory=dict)
    found: Looked | None = None

    def take(self, search: Search, answer: Answer, now: datetime) -> None:
        if isinstance(answer, UnsupportedQuery):
            self.refused[search.name] = answer
        elif isinstance(answer, DirectoryError):
            self.found = answer
        else:
            self.searched, self.request_id = (*self.searched, search.name), answer.request_id
            self.found = self._read(search, answer, now)

    def _read(self, search: Search, reply: GraphReply, now: datetime) -> Looked | None:
        try:
            account = search.read(reply, now)
        except DirectoryError as error:
            return error
        return self._lookup(account, now) if account else None

    def _lookup(self, account: AccountFacts | None, now: datetime) -> Lookup:
        return Lookup(account, now, self.searched, not self.refused, self.request_id)

    def end(self, now: datetime, deleted: Callable[[], datetime | None]) -> Looked:
        if self.found is not None:
            return self.found
        # Without the search for the sign-in name itself nothing can be said about the account.
        error = self.refused.get(SEARCHES[0].name)
        return error or replace(self._lookup(None, now), deleted_at=deleted())


def find_accounts(
    logins: Sequence[str], ask: Ask, deleted_at: Callable[[str], datetime | None], clock: Clock
) -> dict[str, Looked]:
    """Searches for all logins by sign-in name, then for the rest by mail, then by alias.

    Raises :class:`DirectoryError` only when nothing at all could be asked.
    """
    trails: dict[str, _Trail] = {}
    for login in logins:
        trails.setdefault(login.lower(), _Trail(login))
    for search in SEARCHES:
        rest = [trail for trail in trails.values() if trail.found is None]
        if rest:
            _search(search, rest, ask, clock, is_first=search is SEARCHES[0])
    found = {name: trail.end(clock(), partial(deleted_at, name)) for name, trail in trails.items()}
    return {login: found[login.lower()] for login in logins}


def _search(search: Search, trails: Sequence[_Trail], ask: Ask, clock: Clock, *, is_first: bool) -> None:
    try:
        answers = ask([search.request(trail.login) for trail in trails])
    except DirectoryError as error:
        if is_first:
            raise
        # What was found so far stays good.
        answers = [error] * len(trails)
    for trail, answer in zip(trails, answers, strict=True):
        trail.take(search, answer, clock())


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
        last_password_change_at=moment(user.get("lastPasswordChangeDateTime")),
        created_at=moment(user.get("createdDateTime")),
        password_policies=str(user.get("passwordPolicies") or ""),
        read_at=read_at,
        found_by=found_by,
        external=_is_external(user),
    )


def _is_external(user: Mapping[str, Any]) -> bool:
    return (
        bool(user.get("externalUserState"))
        or str(user.get("userType") or "").lower() == GUEST
        or GUEST_MARK in str(user["userPrincipalName"]).upper()
    )


def moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
