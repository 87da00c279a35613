"""What stands in the directory of the tests, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from emberwatch.directories.base import AccountFacts, Authentication, DomainFacts, Membership
from emberwatch.simulator.lockout import Lock, LockoutState

When = Literal["any", "right", "wrong"]


@dataclass(slots=True, eq=False)
class FakeAccount:
    object_id: UUID
    upn: str
    password: str | None = field(repr=False)
    mail: str
    aliases: tuple[str, ...]
    enabled: bool
    user_type: str
    external: bool
    synced: bool
    pass_through: bool
    created_at: datetime
    last_password_change_at: datetime | None
    password_policies: str
    memberships: tuple[Membership, ...]
    deleted_at: datetime | None = None
    lockout: LockoutState = field(default_factory=LockoutState)
    locks: list[Lock] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)

    def names(self) -> Iterator[tuple[str, str]]:
        """Every login that names the account, with the property it stands in."""
        yield "userPrincipalName", self.upn.casefold()
        if self.mail:
            yield "mail", self.mail.casefold()
        for alias in {alias.casefold() for alias in (self.mail, *self.aliases) if alias}:
            yield "proxyAddresses", alias

    def domain(self) -> str:
        return self.upn.rpartition("@")[2].lower()


@dataclass(slots=True)
class Script:
    """A code that sign-ins of an account end in. ``any``: before the password is looked at, and nothing counts."""

    code: int
    when: When
    times: int | None
    status: int
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in that reached the directory, or would have. ``code`` 0 is a token, ``None`` no answer at all."""

    at: datetime
    object_id: UUID
    password: str = field(repr=False)
    client_id: UUID
    request_id: UUID
    code: int | None
    acted: bool
    """The directory saw it: only then can it have counted."""
    right: bool
    locked: bool


def managed(name: str) -> DomainFacts:
    return DomainFacts(name, is_verified=True, authentication=Authentication.MANAGED)


def federated(name: str) -> DomainFacts:
    return DomainFacts(name, is_verified=True, authentication=Authentication.FEDERATED)


def account_facts(account: FakeAccount, found_by: str, now: datetime) -> AccountFacts:
    return AccountFacts(
        object_id=account.object_id,
        user_principal_name=account.upn,
        display_name=account.upn.partition("@")[0],
        mail=account.mail,
        enabled=account.enabled,
        user_type=account.user_type,
        synced=account.synced,
        last_password_change_at=account.last_password_change_at,
        created_at=account.created_at,
        password_policies=account.password_policies,
        read_at=now,
        found_by=found_by,
        external=account.external,
        proxy_addresses=tuple(f"smtp:{name}" for kind, name in account.names() if kind == "proxyAddresses"),
    )
