"""What is told, when, and how often it is tried. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from emberwatch.core.verdict import VerdictGroup
from emberwatch.identities.severity import Level


class Fact(StrEnum):
    """What a rule can ask for."""

    NEW_CREDENTIAL = "new_credential"
    ACTIVE = "active"
    NOT_ACTIVE = "not_active"
    CONTAINED = "contained"
    DRIFTED = "drifted"
    DIRECTORY_STOPPED = "directory_stopped"
    IMPORT_FINISHED = "import_finished"
    AUTOMATION_STOPPED = "automation_stopped"
    KILL_SWITCH = "kill_switch"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final[Mapping[Fact, str]] = {
    Fact.NEW_CREDENTIAL: "New credential",
    Fact.ACTIVE: "Active",
    Fact.NOT_ACTIVE: "Not active",
    Fact.CONTAINED: "Contained",
    Fact.DRIFTED: "Drifted",
    Fact.DIRECTORY_STOPPED: "Directory stopped",
    Fact.IMPORT_FINISHED: "Import finished",
    Fact.AUTOMATION_STOPPED: "Automation stopped",
    Fact.KILL_SWITCH: "Kill switch thrown",
}
# A credential that turned out not active is never severe: a lower bound would silence the fact as such.
GRADED: Final = frozenset({Fact.NEW_CREDENTIAL, Fact.ACTIVE})


class Cadence(StrEnum):
    IMMEDIATE = "immediate"
    HOURLY = "hourly"
    DAILY = "daily"

    @property
    def label(self) -> str:
        return {"immediate": "At once", "hourly": "Every hour", "daily": "Every day"}[self.value]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a rule asks for."""

    facts: Collection[str]
    minimum_severity: str = Level.NONE
    source_kinds: Collection[str] = ()
    """Empty: whatever the source."""
    since: datetime | None = None
    """What happened before the rule was made is not told."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One fact about one object."""

    fact: Fact
    key: str
    at: datetime
    severity: str = Level.NONE
    source_kind: str = ""
    """Empty for what has no source, such as a directory."""


def chooses(choice: Choice, what: Happening) -> bool:
    if what.fact not in choice.facts or (choice.since is not None and what.at < choice.since):
        return False
    if choice.source_kinds and what.source_kind and what.source_kind not in choice.source_kinds:
        return False
    wanted, found = Level(choice.minimum_severity), Level(what.severity)
    return what.fact not in GRADED or found.rank >= wanted.rank


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of a credential's history."""

    record_id: UUID
    group: VerdictGroup
    at: datetime


_DECIDED: Final[Mapping[VerdictGroup, Fact]] = {
    VerdictGroup.ACTIVE: Fact.ACTIVE,
    VerdictGroup.NOT_ACTIVE: Fact.NOT_ACTIVE,
}


def turning_point(newest_first: Iterable[Turn]) -> tuple[Fact, Turn] | None:
    """Since when a credential is what it is now; a look that could not tell changes nothing."""
    decided = [turn for turn in newest_first if turn.group in _DECIDED]
    if not decided:
        return None
    group = decided[0].group
    first = decided[0]
    for turn in decided:
        if turn.group is not group:
            break
        first = turn
    return _DECIDED[group], first


# A message waits so long for what happens at about the same time, and the next one of its rule longer: a feed
# of thousands becomes a few messages.
GATHER_FOR: Final = timedelta(seconds=10)
APART: Final = timedelta(minutes=5)


def tell_at(oldest: datetime, told_at: datetime | None) -> datetime:
    """When what has gathered for a rule that tells at once is put into a message."""
    ready = oldest + GATHER_FOR
    return max(ready, told_at + APART) if told_at else ready


def next_digest(cadence: str, hour: int, time_zone: str, now: datetime) -> datetime | None:
    """The next full hour, or the next time that a clock on the wall shows the hour; ``None`` when told at once."""
    if cadence == Cadence.IMMEDIATE:
        return None
    if cadence == Cadence.HOURLY:
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    zone = ZoneInfo(time_zone)
    local = now.astimezone(zone)
    for days in (0, 1, 2):
        day = local.date() + timedelta(days=days)
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(now.tzinfo)
        if moment > now:
            return moment
    raise AssertionError("two days hold every hour of a clock")


FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
LONGEST_ASKED: Final = timedelta(hours=6)
GIVE_UP_AFTER: Final = timedelta(hours=24)
KEPT_FOR: Final = timedelta(days=90)


def next_try(attempts: int, asked: float | None, began: datetime, now: datetime) -> datetime | None:
    """When to try again after so many tries, never before the other side asked; ``None`` to give up."""
    grown = min(FIRST_PAUSE * 2 ** min(attempts - 1, 20), LONGEST_PAUSE)
    wanted = min(timedelta(seconds=asked or 0), LONGEST_ASKED)
    at = now + max(grown, wanted)
    return at if at - began <= GIVE_UP_AFTER else None
