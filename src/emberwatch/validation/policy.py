"""What an operator may choose for a directory, and how several choices for one directory add up. Pure.

Choices tighten: the budget rule of :mod:`emberwatch.validation.budget` is the most that anybody can allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emberwatch.core.errors import BadInput
from emberwatch.core.verdict import Certainty, Verdict

DEFAULT_PACE: Final = 1.0
SLOWEST_PACE: Final = 0.01
FASTEST_PACE: Final = 50.0


class Labelled(StrEnum):
    @property
    def label(self) -> str:
        return _LABELS[self]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(member.value, member.label) for member in cls]


class Mode(Labelled):
    """How far validation goes."""

    OFF = "off"
    TRIAGE = "triage"
    ATTEMPTS = "attempts"


class Hybrid(Labelled):
    """Where the passwords of synced accounts are checked. Graph does not tell; the operator has to."""

    UNSTATED = "unstated"
    PASSWORD_HASH_SYNC = "password_hash_sync"  # noqa: S105 - a way to authenticate
    PASS_THROUGH = "pass_through"  # noqa: S105 - likewise
    UNKNOWN = "unknown"


class ProtectedKind(Labelled):
    ACCOUNT = "account"
    GROUP = "group"
    ROLE = "role"


_LABELS: Final[Mapping[Labelled, str]] = {
    Mode.OFF: "Off",
    Mode.TRIAGE: "Facts only, no sign-ins",
    Mode.ATTEMPTS: "Facts and sign-ins",
    Hybrid.UNSTATED: "Not stated yet",
    Hybrid.PASSWORD_HASH_SYNC: "Password hash synchronisation",
    Hybrid.PASS_THROUGH: "Pass-through authentication",
    Hybrid.UNKNOWN: "I do not know",
    ProtectedKind.ACCOUNT: "Account",
    ProtectedKind.GROUP: "Members of a group",
    ProtectedKind.ROLE: "Holders of a role",
}


@dataclass(frozen=True, slots=True)
class Hours:
    """When runs may send sign-ins, in the zone of ``zone``; a window over midnight is written 22:00 to 06:00."""

    start: time
    end: time
    zone: str = "UTC"

    def next_open(self, now: datetime) -> datetime:
        """``now`` when it lies in the window, else the window's next beginning."""
        local = now.astimezone(ZoneInfo(self.zone))
        if self._holds(local.time()):
            return now
        opening = local.replace(
            hour=self.start.hour, minute=self.start.minute, second=0, microsecond=0, fold=0
        )
        if opening <= local:
            opening += timedelta(days=1)
        return opening.astimezone(UTC)

    def _holds(self, moment: time) -> bool:
        if self.start == self.end:
            return True
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def check_zone(name: str) -> str:
    """The name, when it is one of the time zone database's. Raises :class:`BadInput`."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            f"{name[:64]} is not a time zone such as Europe/Amsterdam.", field="time_zone"
        ) from None


@dataclass(frozen=True, slots=True)
class Statement:
    """What the operator states about the directory; facts that triage rests on but cannot read."""

    hybrid: Hybrid = Hybrid.UNSTATED
    cloud_password_validation: bool = False
    """A home realm policy lets the cloud check the passwords of federated, synced accounts."""
    test_privileged: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """The choices of one connection that bound what is sent to its directory."""

    failed_attempts_allowed: int | None = None
    pace: float = DEFAULT_PACE


def strictest(all_limits: Sequence[Limits]) -> Limits:
    """Several tenants connected to one directory bind each other: the lowest number counts."""
    stated = [limits.failed_attempts_allowed for limits in all_limits]
    allowed = [number for number in stated if number is not None]
    pace = min((limits.pace for limits in all_limits), default=DEFAULT_PACE)
    return Limits(min(allowed) if allowed else None, pace)


# How long a verdict stands before the facts behind it are read anew. A changed password, a disabled or a
# deleted account show in the facts, so asking again costs no sign-in unless the facts leave it open.
REVALIDATE_AFTER: Final[Mapping[Verdict, timedelta]] = {
    Verdict.ACTIVE: timedelta(days=1),
    Verdict.ACTIVE_CHALLENGED: timedelta(days=1),
    Verdict.ACTIVE_EXPIRED: timedelta(days=1),
    Verdict.INACTIVE: timedelta(days=7),
    Verdict.SUPERSEDED: timedelta(days=7),
    Verdict.IMPOSSIBLE: timedelta(days=30),
    Verdict.ACCOUNT_DISABLED: timedelta(days=1),
    Verdict.ACCOUNT_NOT_FOUND: timedelta(days=7),
    Verdict.NOT_TESTABLE: timedelta(days=30),
    Verdict.LOCKED: timedelta(hours=24),
    Verdict.THROTTLED: timedelta(0),
    Verdict.INCONCLUSIVE: timedelta(hours=24),
    Verdict.UNVALIDATED: timedelta(0),
}


# What a sign-in would still add to: everything merely likely, apart from values that cannot be sent.
CONFIRMABLE: Final = frozenset({Verdict.SUPERSEDED, Verdict.IMPOSSIBLE})


def may_confirm(verdict: Verdict, certainty: Certainty | None) -> bool:
    return certainty is Certainty.LIKELY and verdict in CONFIRMABLE
