"""The sign-in log of one directory: what each try to sign in ended in, in order of time."""

from __future__ import annotations

import uuid
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final

from emberwatch.simulator.scenario import stable_id

LONGEST: Final = 100_000
_TRIMMED_AT_ONCE: Final = 1_000
OTHER_CLIENT_ID: Final = stable_id("a client that is not ours")
OTHER_CLIENT_NAME: Final = "Another client"
OTHER_ADDRESS: Final = "198.51.100.23"
"""Where clients that are not ours come from."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Which client sent a sign-in, from where, and the ids of its request."""

    client_id: str
    app_name: str
    address: str
    correlation_id: str
    trace_id: str


def another_client() -> Sender:
    """A client that is not ours, with ids of its own for each request."""
    return Sender(OTHER_CLIENT_ID, OTHER_CLIENT_NAME, OTHER_ADDRESS, str(uuid.uuid4()), str(uuid.uuid4()))


Place = tuple[datetime, int]
"""Time and number of an entry: no two share one."""


@dataclass(frozen=True, slots=True)
class SignInEntry:
    number: int
    at: datetime
    """In whole seconds, as it is shown."""
    sender: Sender
    user_id: str
    user_principal_name: str
    user_display_name: str | None
    code: int
    """0: signed in."""
    reason: str

    @property
    def id(self) -> str:
        return self.sender.trace_id

    @property
    def place(self) -> Place:
        return self.at, self.number


class SignInLog:
    """Bounded: the oldest entries fall off the end. Whoever holds the world's lock may use it."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._entries: list[SignInEntry] = []
        self._by_id: dict[str, SignInEntry] = {}
        self._places: dict[int, Place] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def next_number(self) -> int:
        return self._last + 1

    def add(self, entry: SignInEntry) -> None:
        """Enter it at its time, which is the end unless a clock was moved back."""
        self._last = entry.number
        insort(self._entries, entry, key=attrgetter("place"))
        self._by_id[entry.id] = entry
        self._places[entry.number] = entry.place
        if len(self._entries) >= self._longest + _TRIMMED_AT_ONCE:
            self._trim()

    def _trim(self) -> None:
        surplus = len(self._entries) - self._longest
        for entry in self._entries[:surplus]:
            self._by_id.pop(entry.id, None)
            del self._places[entry.number]
        del self._entries[:surplus]

    def find(self, entry_id: str) -> SignInEntry | None:
        return self._by_id.get(entry_id.lower())

    def newest_first(self, begin: datetime, end: datetime, *, after: int = 0) -> Iterator[SignInEntry]:
        """The entries from ``begin`` to ``end``, both included; ``after``: only those that follow this number."""
        stop = self._index((end, self._last + 1))
        if after:
            stop = min(stop, self._index(self._places[after]) if after in self._places else 0)
        for index in range(stop - 1, self._index((begin, 0)) - 1, -1):
            yield self._entries[index]

    def _index(self, place: Place) -> int:
        return bisect_left(self._entries, place, key=attrgetter("place"))
