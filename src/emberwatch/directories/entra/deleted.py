"""When accounts were deleted: Entra ID keeps them for thirty days in a bin of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from emberwatch.core.clock import Clock
from emberwatch.directories.base import DirectoryError
from emberwatch.directories.entra.accounts import moment
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.kept import Kept

STAYS_FRESH: Final = timedelta(minutes=5)
_PATH: Final = "/directory/deletedItems/microsoft.graph.user"
_SELECT: Final = "id,userPrincipalName,mail,proxyAddresses,deletedDateTime"
_SMTP: Final = "smtp:"


class DeletedAccounts:
    """The bin, listed once for many logins."""

    def __init__(self, graph: Graph, clock: Clock) -> None:
        self._graph = graph
        self._by_login = Kept(self._list, STAYS_FRESH, clock)

    def deleted_at(self, login: str) -> datetime | None:
        """When the newest account of that login was deleted; ``None`` also when the bin may not be read."""
        return self._by_login.get().get(login.lower())

    def _list(self) -> Mapping[str, datetime]:
        newest: dict[str, datetime] = {}
        try:
            for user in self._graph.pages(_PATH, {"$select": _SELECT, "$top": "999"}):
                deleted = moment(user.get("deletedDateTime"))
                if deleted is not None:
                    newest |= {login: max(deleted, newest.get(login, deleted)) for login in _logins(user)}
        except DirectoryError:
            # The date is an extra: that the account is missing is known without it.
            return newest
        return newest


def _logins(user: Mapping[str, Any]) -> Iterator[str]:
    name = str(user.get("userPrincipalName") or "").lower()
    yield name
    yield name.removeprefix(_mark(user.get("id")))
    yield str(user.get("mail") or "").lower()
    for address in user.get("proxyAddresses") or ():
        lowered = str(address).lower()
        if lowered.startswith(_SMTP):
            yield lowered.removeprefix(_SMTP)


def _mark(object_id: object) -> str:
    """Entra ID puts the id without dashes before the sign-in name, so that the name is free again."""
    try:
        return UUID(str(object_id)).hex
    except ValueError:
        return ""
