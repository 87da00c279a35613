"""Chooses which password of an account is sent next, by the account's ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import AccountFacts
from emberwatch.directories.models import DirectoryConnection
from emberwatch.exposures.services import NewVerdict
from emberwatch.validation import evidence
from emberwatch.validation.budget import AlreadyWrong, Policy, Slot, Spent, Wait, may_attempt
from emberwatch.validation.choices import Bounds, bounds_of, connections_to
from emberwatch.validation.ledger import failed_by_others_at, spent
from emberwatch.validation.looking import Candidate
from emberwatch.validation.models import Attempt
from emberwatch.vault.crypto import Vault
from emberwatch.vault.services import installation_vault

# A password that brought no clear answer so many times is left alone by runs; a person may still press Validate.
MOST_UNCLEAR_ANSWERS: Final = 3


@dataclass(slots=True)
class Choice:
    best: Candidate | None = None
    next_score: float | None = None
    """Of the next one that could be sent when ``best`` turns out wrong."""
    known_wrong: list[NewVerdict] = field(default_factory=list)
    waiting: list[NewVerdict] = field(default_factory=list)
    """Verdicts for those that cannot be sent now."""
    until: datetime | None = None
    """When the first of them can; ``None``: waiting helps none of them."""


@dataclass(frozen=True, slots=True)
class Books:
    """What choosing needs to know of many accounts, read at once. Reserving looks again, under the gate's lock."""

    attempts: Mapping[UUID, list[Attempt]]
    failed_by_others: Mapping[UUID, list[datetime]]
    bounds: Bounds
    directory_id: UUID
    vault: Vault

    @classmethod
    def read(cls, connection: DirectoryConnection, object_ids: Collection[UUID], now: datetime) -> Books:
        directory_id = connection.entra_tenant_id
        attempts: dict[UUID, list[Attempt]] = {}
        for row in Attempt.objects.filter(entra_tenant_id=directory_id, object_id__in=object_ids):
            attempts.setdefault(row.object_id, []).append(row)
        return cls(
            attempts,
            failed_by_others_at(directory_id, object_ids, now),
            bounds_of(connections_to(directory_id) or [connection]),
            directory_id,
            installation_vault(),
        )

    def ledger(self, account: AccountFacts, secret: Secret) -> list[Spent]:
        pair = self.vault.fingerprint("pair", str(self.directory_id), str(account.object_id), secret)
        return list(spent(self.attempts.get(account.object_id, []), pair))


def choose(books: Books, candidates: Sequence[Candidate], *, now: datetime, keep_free: int) -> Choice:
    """``candidates`` belong to one account and stand in the order in which they would be sent."""
    account = candidates[0].needed.account
    others = books.failed_by_others.get(account.object_id, [])
    policy = books.bounds.budget(
        synced=account.synced, single_try=any(each.needed.single_try for each in candidates)
    )
    choice = Choice()
    for each in candidates:
        ledger = books.ledger(account, each.secret)
        if _unclear(ledger) < MOST_UNCLEAR_ANSWERS:
            _consider(choice, each, ledger, policy, now, others, keep_free)
    return choice


def _unclear(ledger: Sequence[Spent]) -> int:
    return sum(1 for each in ledger if each.same_pair and not (each.answered_wrong or each.answered_right))


def _consider(
    choice: Choice,
    candidate: Candidate,
    ledger: Sequence[Spent],
    policy: Policy,
    now: datetime,
    others: Sequence[datetime],
    keep_free: int,
) -> None:
    changed_at = candidate.needed.account.last_password_change_at
    answer = may_attempt(ledger, policy, now, changed_at, failed_by_others=others, keep_free=keep_free)
    if isinstance(answer, Slot):
        if choice.best is None:
            choice.best = candidate
        elif choice.next_score is None:
            choice.next_score = candidate.score
    elif isinstance(answer, AlreadyWrong):
        choice.known_wrong.append(_known_wrong(candidate, answer))
    else:
        _wait(choice, candidate, answer)


def _known_wrong(candidate: Candidate, answer: AlreadyWrong) -> NewVerdict:
    certainty = Certainty.LIKELY if candidate.needed.wrong_is_likely else Certainty.PROVED
    found = evidence.of_earlier_answer(answer) | candidate.section
    return NewVerdict(candidate.credential, Verdict.INACTIVE, certainty, found)


def _wait(choice: Choice, candidate: Candidate, wait: Wait) -> None:
    if wait.until is not None and (choice.until is None or wait.until < choice.until):
        choice.until = wait.until
    row = candidate.credential
    if row.verdict == Verdict.UNVALIDATED:
        found = evidence.of_wait(wait) | candidate.section
        choice.waiting.append(NewVerdict(row, wait.verdict, None, found))
