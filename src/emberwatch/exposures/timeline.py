"""What happened to a person's credentials, in one line of time: leaked, seen, validated, contained. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from emberwatch.core.verdict import Verdict, VerdictGroup
from emberwatch.exposures.models import Credential, DateBasis, Machine, VerdictRecord
from emberwatch.identities.models import Identity


class Step(StrEnum):
    LEAKED = "leaked"
    SEEN = "seen"
    VALIDATED = "validated"
    CONTAINED = "contained"

    @property
    def label(self) -> str:
        return self.value.capitalize()


@dataclass(frozen=True, slots=True)
class Event:
    at: datetime
    step: Step
    words: str
    credential_id: UUID | None = None
    machine_id: UUID | None = None


def timeline(
    identity: Identity,
    credentials: Sequence[Credential],
    machines: Iterable[Machine],
    records: Iterable[VerdictRecord],
) -> list[Event]:
    """Newest first. ``records``: verdicts of these credentials, oldest first."""
    events = [
        *(event for row in credentials for event in _exposed(row)),
        *_infected(machines),
        *_judged(records, {row.pk: row.login for row in credentials}),
    ]
    since = min((event.at for event in events), default=None)
    if since is not None:
        events += _contained(identity, since)
    return sorted(events, key=lambda event: (event.at, list(Step).index(event.step)), reverse=True)


def _exposed(row: Credential) -> Iterator[Event]:
    # The day on which it was first seen here stands in for a leak's date that nobody knows.
    if row.leaked_at is not None and row.leaked_at_basis != DateBasis.FIRST_SEEN:
        yield Event(row.leaked_at, Step.LEAKED, f"A password of {row.login} leaked", row.pk)
    yield Event(row.first_seen_at, Step.SEEN, f"A leaked password of {row.login} was first seen here", row.pk)


def _infected(machines: Iterable[Machine]) -> Iterator[Event]:
    for machine in machines:
        if machine.infected_at is not None:
            words = f"The machine {machine.name} was infected"
            yield Event(machine.infected_at, Step.LEAKED, words, machine_id=machine.pk)


def _judged(records: Iterable[VerdictRecord], logins: dict[UUID, str]) -> Iterator[Event]:
    """A password that worked and does so no more is contained, whoever brought that about."""
    before: dict[UUID, VerdictGroup] = {}
    for record in records:
        verdict = Verdict(record.verdict)
        was = before.get(record.credential_id)
        before[record.credential_id] = verdict.group
        ended = was is VerdictGroup.ACTIVE and verdict.group is VerdictGroup.NOT_ACTIVE
        login = logins.get(record.credential_id, "")
        words = f"{verdict.label}: {login}" if login else verdict.label
        yield Event(record.at, Step.CONTAINED if ended else Step.VALIDATED, words, record.credential_id)


def _contained(identity: Identity, since: datetime) -> Iterator[Event]:
    """What the directory tells of the account itself, from the first leak on."""
    told = (
        (identity.last_password_change_at, "The password was changed"),
        (identity.sessions_valid_from_at, "Sessions that began before were ended"),
        (identity.deleted_at, "The account was deleted"),
    )
    for at, words in told:
        if at is not None and at > since:
            yield Event(at, Step.CONTAINED, words)
