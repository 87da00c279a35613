"""What a directory answers that can be read as a whole: pages of accounts and their changes, groups, the organisation.

Every page names the place at which the reading goes on; whoever stores a page stores that place with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from emberwatch.directories.base import DirectoryError

T = TypeVar("T")


class LinkExpired(DirectoryError):
    """The directory no longer knows the place at which a reading was to go on: it has to begin anew."""


class Gone(StrEnum):
    """Why an account is not listed any more."""

    DELETED = "deleted"
    """It lies in the bin."""
    PURGED = "purged"
    """It is gone for good."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What the directory told about an account. ``told`` holds only what it told, by the names of our own fields."""

    object_id: UUID
    told: Mapping[str, Any]
    gone: Gone | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The list ends with the page that has no ``next_link``."""

    items: tuple[T, ...]
    next_link: str = ""
    delta_link: str = ""
    """At the end of a list of changes: where to ask for the changes after it. Without it, all is to be read again."""
    pause: float = 0.0
    """Seconds to wait before the next request, so that the directory need not refuse it."""
    units: int = 0
    """What the directory charged for it, in its own measure."""


@dataclass(frozen=True, slots=True)
class Member:
    object_id: UUID
    is_group: bool


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """An active directory role with those who hold it directly."""

    object_id: UUID
    template_id: UUID
    name: str
    privileged: bool
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What the directory told about a group: names as far as they were told, and members that joined or left."""

    object_id: UUID
    told: Mapping[str, Any]
    joined: tuple[Member, ...] = ()
    left: tuple[Member, ...] = ()
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """A person or a group to whom an application was given. ``role``: what it is there, in words."""

    principal_object_id: UUID
    is_group: bool
    role: str
    privileged: bool


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """An application with all to whom it was given directly."""

    object_id: UUID
    app_id: UUID
    """The same in every directory."""
    name: str
    enabled: bool
    open_to_all: bool
    """Nobody has to be given it: it opens for every account of the directory."""
    privileged: bool
    """It is made to change the directory or its services."""
    openings: tuple[Opening, ...]


@dataclass(frozen=True, slots=True)
class AccountNote:
    """Facts of a service beside the list of accounts, by the names of our own fields."""

    object_id: UUID
    told: Mapping[str, Any]


class Extra(StrEnum):
    """What only some licences and permissions give. The values are those of the stages of a reading."""

    SIGN_INS = "sign_ins"
    REGISTRATION = "registration"
    RISK = "risk"


class Reader(Protocol):
    """Reads one directory as a whole. Raises :class:`DirectoryError` and its kinds only."""

    def account_changes(self, link: str) -> Page[AccountChange]:
        """From the beginning when ``link`` is empty. Raises :class:`LinkExpired`."""
        ...

    def accounts_of_group(self, group_id: UUID, link: str) -> Page[AccountChange]:
        """Every account that belongs to a group, also through other groups. Raises :class:`LinkExpired`."""
        ...

    def whole_accounts(self, object_ids: Sequence[UUID]) -> tuple[AccountChange, ...]:
        """All that can be told of these accounts, managers too; those that are not there are left out."""
        ...

    def deleted_accounts(self, link: str) -> Page[AccountChange]: ...

    def group_changes(self, link: str) -> Page[GroupChange]:
        """From the beginning when ``link`` is empty; a large group may come in several parts.

        Raises :class:`LinkExpired`, and ``NotOffered`` where the directory does not tell them.
        """
        ...

    def roles(self) -> tuple[RoleFacts, ...]: ...

    def applications(self, link: str) -> Page[ApplicationFacts]:
        """Raises ``NotOffered`` without the permission, and :class:`LinkExpired`."""
        ...

    def organisation(self) -> Mapping[str, Any]:
        """Name, domains and products, as values for JSON."""
        ...

    def extra(self, which: Extra, link: str) -> Page[AccountNote]:
        """Raises ``NotOffered`` without the licence or the permission."""
        ...


@runtime_checkable
class Readable(Protocol):
    """A directory that can be read as a whole."""

    def reader(self) -> Reader: ...
