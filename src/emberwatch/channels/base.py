"""What every channel offers, what it is handed, and how its failures are told.

::

    ChannelError           message is one plain sentence, safe to show; holds no secret
    ├── ChannelRefused     it will not work until somebody changes something: the channel is switched off
    └── ChannelBusy        it may work later: tried again with growing pauses
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from emberwatch.channels.network import Network
from emberwatch.core.errors import EmberwatchError
from emberwatch.core.secret import Secret

Settings: TypeAlias = Mapping[str, str]
Secrets: TypeAlias = Mapping[str, Secret]


class ChannelError(EmberwatchError):
    """A message was not delivered."""


class ChannelRefused(ChannelError):
    """Nothing gets through until somebody changes the settings or the other side."""


class ChannelBusy(ChannelError):
    """The other side did not answer, or asks to wait."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happened, ready to be told. Never holds a password or a mask of one."""

    id: str
    fact: str
    """The fact's code, such as ``active``."""
    title: str
    severity: str
    at: str
    """ISO 8601 in UTC."""
    reasons: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """Label and value, as people read them."""
    data: Mapping[str, str] = field(default_factory=dict)
    """The same for programs: names of the API's fields."""
    link: str = ""
    """Our own page."""
    account_link: str = ""
    """The account in the admin center of its directory."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one delivery sends. ``id`` stays the same whenever it has to be sent again."""

    id: str
    tenant: str
    title: str
    severity: str
    created_at: str
    items: tuple[Item, ...]
    total: int
    """How many things it tells of; ``items`` may be fewer."""
    link: str = ""
    """The list of everything that it tells of."""
    rule: str = ""
    is_test: bool = False

    @property
    def more(self) -> int:
        return max(0, self.total - len(self.items))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Message:
        items = tuple(
            Item(**{**item, "reasons": tuple(item["reasons"]), "facts": tuple(map(tuple, item["facts"]))})
            for item in stored["items"]
        )
        return cls(**{**stored, "items": items})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side answered. ``sentence`` tells what a person should know although it was taken."""

    provider_id: str = ""
    sentence: str = ""


class FieldKind(StrEnum):
    TEXT = "text"
    URL = "url"
    SECRET = "password"  # noqa: S105 - the type of an input
    LINES = "textarea"
    CHOICE = "select"
    SWITCH = "checkbox"


Check: TypeAlias = Callable[[str], str]
"""The value as it is stored. Raises ``ValueError`` with what it needs instead, as in ``needs a port``."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a channel: the form, the command line, the API and the check are made from it."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    hint: str = ""
    default: str = ""
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    check: Check | None = None
    leads: bool = False
    """Where messages go: when it changes, stored secrets have to be given again."""

    @property
    def is_secret(self) -> bool:
        return self.kind is FieldKind.SECRET


Deliver: TypeAlias = Callable[[Message, Settings, Secrets, Network], Receipt]
"""Sends one message. Raises :class:`ChannelRefused` or :class:`ChannelBusy`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One system that messages can be sent to."""

    name: str
    label: str
    fields: tuple[Field, ...]
    deliver: Deliver
    most_items: int = 25
    """So many things stand in one message."""
    takes_all: bool = False
    """What does not fit into one message follows in more of them, as a SIEM wants every event."""

    @property
    def plain_fields(self) -> Sequence[Field]:
        return [each for each in self.fields if not each.is_secret]

    @property
    def secret_fields(self) -> Sequence[Field]:
        return [each for each in self.fields if each.is_secret]


LEVELS: Final = ("none", "low", "medium", "high", "critical")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
