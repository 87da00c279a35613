"""Writes that reads do not show yet: Graph is many copies, and a read may meet one that has not heard of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(slots=True)
class LateFields:
    """What reads still see of one account that was written to."""

    shown: dict[str, Any]
    """Fields of its scenario."""
    had_password: bool
    waiting: deque[tuple[datetime, dict[str, Any]]] = field(default_factory=deque)
    """What they see from a time on, in order of time."""

    def arrive(self, now: datetime) -> bool:
        """Take over the next write whose time has come; whether there was one."""
        if not self.waiting or self.waiting[0][0] > now:
            return False
        self.shown.update(self.waiting.popleft()[1])
        return True


class LateLink(NamedTuple):
    """A member that joined or left a group."""

    due: datetime
    group_id: str
    member: str
    present: bool


class LateLinks:
    """The memberships of one directory that were written and do not show yet."""

    def __init__(self) -> None:
        self._waiting: deque[LateLink] = deque()

    def add(self, link: LateLink) -> None:
        self._waiting.append(link)

    def says(self, group_id: str, member: str) -> bool | None:
        """Whether the last waiting write made it a member; None: none of them is about it."""
        about = (link.present for link in reversed(self._waiting) if link[1:3] == (group_id, member))
        return next(about, None)

    def pop_due(self, now: datetime) -> list[LateLink]:
        """The writes whose time has come, which then wait no longer."""
        due: list[LateLink] = []
        while self._waiting and self._waiting[0].due <= now:
            due.append(self._waiting.popleft())
        return due
