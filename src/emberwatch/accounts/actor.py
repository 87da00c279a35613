"""Who does something. Every service that writes takes an actor and puts its label into the audit row."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from uuid import UUID

from emberwatch.accounts.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """``is_operator``: somebody with a shell on the host, or Emberwatch itself; no role limits apply.

    ``only_tenant``: the tenant that an API token is bound to; nothing else is visible through it.
    """

    label: str
    user: User | None = None
    is_operator: bool = False
    only_tenant: UUID | None = None

    @property
    def is_organisation_admin(self) -> bool:
        return self.is_operator or (self.user is not None and self.user.is_organisation_admin)


def actor_for_user(user: User, *, only_tenant: UUID | None = None) -> Actor:
    return Actor(label=f"user:{user.email}", user=user, only_tenant=only_tenant)


def command_line_actor() -> Actor:
    """The person at the host's shell, named by the operating system's account."""
    return Actor(label=f"cli:{getpass.getuser()}", is_operator=True)


SYSTEM = Actor(label="system", is_operator=True)
