"""One account as it is at this moment, and the index that finds accounts by an address."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from emberwatch.simulator.late_writes import LateFields
from emberwatch.simulator.lockout import LockoutState
from emberwatch.simulator.scenario import DirectoryScenario, UserScenario
from emberwatch.simulator.user_properties import UserProperties

_ADDRESS_FIELDS: Final = ("userPrincipalName", "mail", "proxyAddresses", "otherMails")
_FRESH: Final = LockoutState()


class Hasher:
    """Keyed hashes of synthetic secrets; the key lives as long as the process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def __call__(self, owner: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{owner}\0{value}".encode("utf-8", "surrogatepass"), "sha256")


@dataclass(slots=True)
class UserState:
    scenario: UserScenario
    """Without its passwords."""
    directory: DirectoryScenario
    number: int
    password: bytes | None
    previous: tuple[bytes, ...]
    lockout: LockoutState = _FRESH
    answers_left: int | None = None
    last_sign_in: datetime | None = None
    last_successful_sign_in: datetime | None = None
    late: LateFields | None = None
    """What reads still see of it, while a write is on its way."""
    enabled_there: bool | None = None
    """What the on-premises directory says of it, since Graph wrote something else."""

    @property
    def id(self) -> str:
        return self.scenario.id

    @property
    def deleted(self) -> bool:
        return self.scenario.deleted is not None

    @property
    def seen(self) -> UserScenario:
        """What reads see."""
        return self.scenario if self.late is None else replace(self.scenario, **self.late.shown)

    @property
    def properties(self) -> UserProperties:
        has_password = self.password is not None if self.late is None else self.late.had_password
        return UserProperties(self.seen, self.directory, has_password=has_password)


class AddressIndex:
    """Ids of present users by address. Nearly every address has one owner: only shared ones cost a set."""

    def __init__(self) -> None:
        self._owners: dict[str, dict[str, str | set[str]]] = {name: {} for name in _ADDRESS_FIELDS}

    def covers(self, name: str) -> bool:
        return name in self._owners

    def ids(self, name: str, value: str) -> set[str]:
        found = self._owners[name].get(value.casefold(), set())
        return {found} if isinstance(found, str) else found

    def enter(self, user: UserState) -> None:
        for name, value in _addresses(user):
            owners = self._owners[name]
            held = owners.get(value)
            owners[value] = user.id if held in (None, user.id) else {*self.ids(name, value), user.id}

    def leave(self, user: UserState) -> None:
        for name, value in _addresses(user):
            left = self.ids(name, value) - {user.id}
            if left:
                self._owners[name][value] = left
            else:
                self._owners[name].pop(value, None)


def _addresses(user: UserState) -> Iterator[tuple[str, str]]:
    properties = user.properties
    for name in _ADDRESS_FIELDS:
        value = properties[name]
        for entry in value if isinstance(value, list) else [value]:
            if entry is not None:
                yield name, entry.casefold()
