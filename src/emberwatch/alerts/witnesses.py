"""What other use cases know and alerts tell. Alerts know none of them: the pipeline hands this over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened, as whoever did it tells it."""

    key: str
    """What makes it one and the same, however often it is told."""
    title: str
    at: datetime
    facts: tuple[tuple[str, str], ...] = ()
    severity: str = "low"
    source_kind: str = ""
    path: str = ""
    """Of our own page."""
    identity_id: UUID | None = None
    """The account that it is about."""
    data: dict[str, str] = field(default_factory=dict)


Witness: TypeAlias = Callable[[UUID], Told | None]
"""Tells of one object by its id, or nothing when there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    import_finished: Witness
    contained: Witness
    drifted: Witness
    automation_stopped: Witness
    kill_switch: Callable[[], Told | None]


_installed: Final[list[Witnesses]] = []


def install(found: Witnesses) -> None:
    _installed[:] = [found]


def witnesses() -> Witnesses:
    return _installed[0]
