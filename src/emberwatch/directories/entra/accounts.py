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
from emberwatch.directories.entra.graph import GraphReply, GraphRequest, NotInDirectory, UnsupportedQuery

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
        "proxyAddresses",
        "otherMails",
        "onPremisesUserPrincipalName",
        "onPremisesSamAccountName",
        "onPremisesDomainName",
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

    def read(self, reply: GraphReply, read_at: datetime) -> tuple[AccountFacts, ...]:
        """Whoever asks must not choose between two accounts for one login."""
        return tuple(account_facts(user, found_by=self.name, read_at=read_at) for user in reply.items)


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
            found = search.read(reply, now)
        except DirectoryError as error:
            return error
        return self._lookup(found, now) if found else None

    def _lookup(self, found: tuple[AccountFacts, ...], now: datetime) -> Lookup:
        only = found[0] if len(found) == 1 else None
        candidates = found if len(found) > 1 else ()
        complete = not self.refused
        return Lookup(only, now, self.searched, complete, self.request_id, candidates=candidates)

    def end(self, now: datetime, deleted: Callable[[], datetime | None]) -> Looked:
        if self.found is not None:
            return self.found
        # Without the search for the sign-in name itself nothing can be said about the account.
        error = self.refused.get(SEARCHES[0].name)
        return error or replace(self._lookup((), now), deleted_at=deleted())


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


def read_accounts(
    object_ids: Sequence[UUID], ask: Ask, clock: Clock
) -> dict[UUID, AccountFacts | DirectoryError | None]:
    """Asks for accounts by their ids. Raises :class:`DirectoryError` only when nothing at all could be asked."""
    wanted = list(dict.fromkeys(object_ids))
    answers = ask([GraphRequest(f"/users/{object_id}", {"$select": SELECT}) for object_id in wanted])
    return {each: _fresh(answer, clock()) for each, answer in zip(wanted, answers, strict=True)}


def _fresh(answer: Answer, now: datetime) -> AccountFacts | DirectoryError | None:
    if isinstance(answer, NotInDirectory):
        return None
    if isinstance(answer, DirectoryError):
        return answer
    try:
        return account_facts(answer.body, found_by="id", read_at=now)
    except DirectoryError as error:
        return error


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
        external=is_external(name, str(user.get("userType") or ""), user.get("externalUserState")),
        external_state=str(user.get("externalUserState") or ""),
        proxy_addresses=_texts(user.get("proxyAddresses")),
        other_mails=_texts(user.get("otherMails")),
        on_premises_upn=str(user.get("onPremisesUserPrincipalName") or ""),
        on_premises_sam=str(user.get("onPremisesSamAccountName") or ""),
        on_premises_domain=str(user.get("onPremisesDomainName") or ""),
    )


def is_external(user_principal_name: str, user_type: str, state: object) -> bool:
    return bool(state) or user_type.lower() == GUEST or GUEST_MARK in user_principal_name.upper()


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
