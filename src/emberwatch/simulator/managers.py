"""Who reports to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from emberwatch.simulator.changes import ChangeLog, Link

MANAGER: Final = "manager"


class Managers:
    """The managers of one directory's accounts, by object id; a deleted manager is none until restored."""

    def __init__(self, changes: ChangeLog, present: Callable[[str], bool]) -> None:
        self._changes = changes
        self._present = present
        self._managers: dict[str, str] = {}
        self._reports: dict[str, dict[str, None]] = {}

    def of(self, user_id: str) -> str | None:
        manager = self._managers.get(user_id)
        return manager if manager is not None and self._present(manager) else None

    def links(self, user_id: str) -> list[Link]:
        """The manager of an account as a delta query tells it."""
        manager = self.of(user_id)
        return [Link(manager, "user", present=True)] if manager is not None else []

    def reports(self, user_id: str) -> list[str]:
        """The accounts that report to this one, deleted ones too."""
        return list(self._reports.get(user_id, ()))

    def enter(self, user_id: str, manager: str | None) -> None:
        """Set the manager without telling anybody, as at the start."""
        old = self._managers.pop(user_id, None)
        if old is not None:
            self._reports[old].pop(user_id)
        if manager is not None:
            self._managers[user_id] = manager
            self._reports.setdefault(manager, {})[user_id] = None

    def set(self, user_id: str, manager: str | None) -> None:
        """Give an account another manager, or none."""
        old = self.of(user_id)
        if old == manager:
            return
        self.enter(user_id, manager)
        ended = [Link(old, "user", present=False)] if old else []
        self._changes.note(user_id, {MANAGER}, [*ended, *self.links(user_id)])

    def account_left(self, user_id: str) -> None:
        """An account was deleted: those who reported to it have no manager for now."""
        for report in self.reports(user_id):
            self._changes.note(report, {MANAGER}, [Link(user_id, "user", present=False)])

    def account_returned(self, user_id: str) -> None:
        for report in self.reports(user_id):
            self._changes.note(report, {MANAGER}, [Link(user_id, "user", present=True)])

    def account_forgotten(self, user_id: str) -> None:
        """A deleted account is gone for good."""
        self.enter(user_id, None)
        for report in self._reports.pop(user_id, {}):
            self._managers.pop(report)
