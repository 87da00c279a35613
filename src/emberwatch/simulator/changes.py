"""What changed in a directory, in the order in which it happened: the ground that delta queries stand on.

An entry names the object and the properties that moved. Coming and going (created, deleted, restored, gone)
moves everything, which is written as :data:`WHOLE`. Members of a group and the manager of a user are links.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

WHOLE: Final = frozenset({"*"})


class Link(NamedTuple):
    """One member that joined or left, or the manager that somebody got or lost."""

    id: str
    kind: str
    """``user`` or ``group``."""
    present: bool


@dataclass(frozen=True, slots=True)
class Change:
    number: int
    id: str
    names: frozenset[str]
    links: tuple[Link, ...] = ()


class ChangeLog:
    """The changes of one kind of object. Numbers count from one; what was there at the start has none."""

    def __init__(self) -> None:
        self._entries: list[Change] = []
        self._by_id: dict[str, list[int]] = {}

    @property
    def last(self) -> int:
        return len(self._entries)

    def note(self, object_id: str, names: Iterable[str], links: Iterable[Link] = ()) -> None:
        """Write down a change; one that moves nothing is none."""
        change = Change(self.last + 1, object_id, frozenset(names), tuple(links))
        if change.names:
            self._entries.append(change)
            self._by_id.setdefault(object_id, []).append(change.number)

    def after(self, number: int, until: int) -> Iterator[Change]:
        """The changes behind ``number``, up to and with ``until``."""
        return (self._entries[index] for index in range(number, min(until, self.last)))

    def of(self, object_id: str, number: int, until: int) -> list[Change]:
        """The same for one object."""
        numbers = self._by_id.get(object_id, [])
        begin, end = bisect_right(numbers, number), bisect_right(numbers, until)
        return [self._entries[n - 1] for n in numbers[begin:end]]

    def ever_set(self, object_id: str, name: str) -> bool:
        """Whether this property was ever changed by itself."""
        return any(name in self._entries[n - 1].names for n in self._by_id.get(object_id, ()))
