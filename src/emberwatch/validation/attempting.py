"""The one way into an attempt, whoever asks: decide and reserve in a committed row, send, write the answer down.

Decisions on one directory are made one after the other, under the lock of its gate; at most one sign-in is under
way there at any time. So an answer that stops the directory comes before another account is touched.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.clock import Clock
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.base import AccountFacts, Directory, SignInReply
from emberwatch.directories.gate import gate_of, hold_sign_ins, locked_gate
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection, DirectoryGate
from emberwatch.directories.services import halt, halt_everywhere
from emberwatch.exposures.features import is_blank_edged
from emberwatch.exposures.models import Credential, ExposureKind, SecretKind, VerdictRecord
from emberwatch.exposures.services import NewVerdict, secret_opener, set_verdicts
from emberwatch.identities.services import remember_without_password
from emberwatch.validation import evidence
from emberwatch.validation.budget import AlreadyWrong, Slot, Wait, may_attempt
from emberwatch.validation.choices import bounds_of, connections_to, kill_switch, protected_of
from emberwatch.validation.ledger import (
    ABANDONED_AFTER,
    Request,
    failed_by_others,
    has_attempt,
    is_in_flight,
    ledger_of,
    pressed_since,
    reserve,
    settle,
    why_to_stop,
)
from emberwatch.validation.models import Attempt, AttemptOrigin
from emberwatch.validation.policy import Limits
from emberwatch.validation.triage_facts import NeedsAttempt, SiblingFacts
from emberwatch.vault.services import installation_vault

# A person who presses Validate is not made to wait for the pace, as long as the average over this time keeps it.
PRESSES_AVERAGED_OVER: Final = timedelta(minutes=5)
# Before each attempt of a run the pace's interval is stretched or shortened by up to this share.
JITTER: Final = 0.2
# What was missed while facts were read may be made up for, up to so much.
CATCH_UP: Final = timedelta(seconds=2)
LOOK_AGAIN: Final = timedelta(milliseconds=100)
# Others stop waiting for an answer after ABANDONED_AFTER; a process that was halted for a while sends nothing by then.
SENT_WITHIN: Final = timedelta(minutes=1)
NO_PASSWORD_CODE: Final = "AADSTS50056"  # noqa: S105 - a code's name

# Verdicts that another password's success settles. What was answered itself keeps its own, more telling answer.
_OPEN_TO_SUPERSESSION: Final = (
    Verdict.UNVALIDATED,
    Verdict.THROTTLED,
    Verdict.INCONCLUSIVE,
    Verdict.LOCKED,
    Verdict.ACTIVE,
    Verdict.ACTIVE_CHALLENGED,
    Verdict.ACTIVE_EXPIRED,
)


@dataclass(frozen=True, slots=True)
class Reserved:
    attempt: Attempt
    slot: Slot


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now: another sign-in is under way, the pace says so, or the directory asked everybody to wait."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing may be sent: the directory or the installation stands still until a person acts."""

    why: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """What the decision to send rested on has changed since; it has to be made anew."""


@dataclass(frozen=True, slots=True)
class Written:
    """The verdict of the credential that was sent, and of the others that it decided."""

    entry: VerdictRecord
    verdicts: list[NewVerdict]


Reservation: TypeAlias = Reserved | Wait | AlreadyWrong | Busy | Stopped | Outdated


def reserve_attempt(
    request: Request,
    needed: NeedsAttempt,
    secret: Secret,
    *,
    actor: Actor,
    now: datetime,
    keep_free: int = 0,
) -> Reservation:
    """Decides and writes the attempt down as spent, in one committed transaction."""
    account, directory_id = needed.account, request.connection.entra_tenant_id
    pair = installation_vault().fingerprint("pair", str(directory_id), str(account.object_id), secret)
    with transaction.atomic(durable=True):
        gate = locked_gate(directory_id)
        # Read anew under the gate's lock: an answer to somebody else may have stopped the directory just now.
        connections = connections_to(directory_id)
        stopped = _stopped(request.connection.id, connections)
        if stopped is not None:
            return stopped
        bounds = bounds_of(connections)
        busy = _busy(gate, request, bounds.limits, now)
        if busy is not None:
            return busy
        if protected_of(directory_id) != request.protected or not request.goes_on():
            return Outdated()
        decision = may_attempt(
            ledger_of(directory_id, account.object_id, pair),
            bounds.budget(synced=account.synced, single_try=needed.single_try),
            now,
            account.last_password_change_at,
            failed_by_others=failed_by_others(directory_id, account.object_id, now),
            keep_free=keep_free,
        )
        if not isinstance(decision, Slot):
            return decision
        attempt = reserve(request, account, pair, now)
        _take_slot(gate, bounds.limits, now)
        record(
            request.credential.tenant_id,
            "attempt.reserved",
            f"account:{account.object_id}",
            actor=actor,
            now=now,
            facts={
                "attempt": str(attempt.id),
                "credential": str(request.credential.id),
                "directory": str(directory_id),
            },
        )
        return Reserved(attempt, decision)


def send(
    directory: Directory, account: AccountFacts, secret: Secret, attempt: Attempt, clock: Clock
) -> SignInReply:
    """The one sign-in of a reservation; none when it is so old that others may no longer wait for its answer."""
    at = clock()
    if at - attempt.reserved_at > SENT_WITHIN:
        return _never_sent(attempt, at)
    return directory.sign_in(account, secret, attempt.id)


def _never_sent(attempt: Attempt, at: datetime) -> SignInReply:
    return SignInReply(
        verdict=Verdict.INCONCLUSIVE,
        certainty=None,
        code="",
        code_name="",
        meaning="This process stood still before it could send the sign-in, so it sent nothing.",
        why_not_more_certain="The directory was not asked.",
        table_version="",
        http_status=None,
        trace_id="",
        correlation_id=str(attempt.id),
        answered_at=at,
        counts_as_failed=False,
    )


def next_turn(entra_tenant_id: UUID, now: datetime) -> Busy | None:
    """What the gate alone says a run has to wait for, without its lock: a cheap look before a reservation."""
    return _held(gate_of(entra_tenant_id), AttemptOrigin.RUN, now)


def _stopped(connection_id: UUID, connections: Sequence[DirectoryConnection]) -> Stopped | None:
    switch = kill_switch()
    if switch is not None:
        return Stopped(f"The kill switch of this installation is on: {switch.reason}")
    ours = next((row for row in connections if row.id == connection_id), None)
    if ours is None:
        return Stopped("The tenant is no longer connected to this directory.")
    if ours.status != ConnectionStatus.ACTIVE:
        return Stopped(ours.status_sentence or "The directory connection is not active.")
    return None


def _busy(gate: DirectoryGate, request: Request, limits: Limits, now: datetime) -> Busy | None:
    if is_in_flight(gate.entra_tenant_id, now):
        return Busy(now + LOOK_AGAIN, "Another sign-in is under way at this directory.")
    if has_attempt(request.validation):
        # This worker was believed dead, or took over from one that was. Whoever reserved it writes the verdict.
        return Busy(now + ABANDONED_AFTER, "The sign-in of this validation is under way.")
    held = _held(gate, request.origin, now)
    if held is None and request.origin is AttemptOrigin.PRESS:
        return _pressed_too_often(gate, limits, now)
    return held


def _held(gate: DirectoryGate, origin: AttemptOrigin, now: datetime) -> Busy | None:
    if gate.sign_ins_not_before is not None and gate.sign_ins_not_before > now:
        return Busy(gate.sign_ins_not_before, "The directory asked us to wait before the next sign-in.")
    keeps_pace = origin is not AttemptOrigin.PRESS
    if keeps_pace and gate.next_slot_at is not None and gate.next_slot_at > now:
        return Busy(gate.next_slot_at, "The next sign-in has its time.")
    return None


def _pressed_too_often(gate: DirectoryGate, limits: Limits, now: datetime) -> Busy | None:
    most = limits.pace * PRESSES_AVERAGED_OVER.total_seconds()
    if pressed_since(gate.entra_tenant_id, now - PRESSES_AVERAGED_OVER) < max(most, 1):
        return None
    return Busy(now + timedelta(seconds=5), "More was asked for than the pace of this directory allows.")


def _take_slot(gate: DirectoryGate, limits: Limits, now: datetime) -> None:
    interval = timedelta(seconds=1 / limits.pace)
    stretched = interval * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads requests, hides nothing
    # From the slot that was due, not from now: a late attempt must not slow all that follow.
    due = gate.next_slot_at
    is_late = due is not None and now - due <= max(interval, CATCH_UP)
    gate.next_slot_at = (due if due is not None and is_late else now) + stretched
    gate.save(update_fields=["next_slot_at"])


def write_answer(
    request: Request,
    reserved: Reserved,
    needed: NeedsAttempt,
    reply: SignInReply,
    section: dict[str, Any],
    *,
    actor: Actor,
) -> Written:
    """What the directory answered: the ledger, the verdicts that follow, and what has to stop. One transaction."""
    attempt, at = reserved.attempt, reply.answered_at
    tenant_id = request.credential.tenant_id
    with transaction.atomic():
        locked_gate(attempt.entra_tenant_id)
        settle(attempt, reply)
        found = evidence.of_reply(reply, needed.notes, reserved.slot.left + (not reply.counts_as_failed))
        found |= section | {"directory": place_of(request.connection)}
        verdicts = [_verdict(request.credential, needed, reply, found)]
        verdicts += _superseded(request.credential, reply)
        entries = set_verdicts(tenant_id, verdicts, actor=actor, now=at)
        # Credentials before the audit chain, as everywhere: two workers must not wait for each other.
        facts = {"attempt": str(attempt.id), "code": reply.code, "trace_id": reply.trace_id}
        subject = f"account:{attempt.object_id}"
        record(tenant_id, "attempt.answered", subject, actor=actor, now=at, facts=facts)
        if reply.code == NO_PASSWORD_CODE:
            remember_without_password(attempt.entra_tenant_id, attempt.object_id, at)
        _stop_if_needed(request, attempt, reply)
        return Written(entries[0], verdicts)


def _verdict(
    credential: Credential, needed: NeedsAttempt, reply: SignInReply, found: dict[str, Any]
) -> NewVerdict:
    certainty = reply.certainty
    if reply.verdict.group is VerdictGroup.NOT_ACTIVE and needed.wrong_is_likely:
        certainty = Certainty.LIKELY
        found = found | {"why_not_more_certain": needed.wrong_is_likely}
    return NewVerdict(credential, reply.verdict, certainty, found)


def _superseded(credential: Credential, reply: SignInReply) -> Iterator[NewVerdict]:
    if reply.verdict.group is not VerdictGroup.ACTIVE or reply.certainty is not Certainty.PROVED:
        return
    sibling = SiblingFacts(str(credential.id), reply.answered_at)
    found = evidence.of_supersession(sibling)
    for other in _siblings(credential):
        yield NewVerdict(other, Verdict.SUPERSEDED, Certainty.PROVED, found)


def _siblings(credential: Credential) -> Iterator[Credential]:
    """The account's other leaked passwords in this tenant that nothing more telling is known about."""
    if credential.identity_id is None:
        return
    rows = Credential.objects.filter(
        tenant_id=credential.tenant_id,
        identity_id=credential.identity_id,
        secret_kind=SecretKind.PLAINTEXT,
        exposure_kind=ExposureKind.EMPLOYEE,
    ).exclude(pk=credential.pk)
    merely_likely = rows.filter(
        verdict__in=(Verdict.SUPERSEDED, Verdict.IMPOSSIBLE), certainty=Certainty.LIKELY
    )
    opened = secret_opener(credential.tenant_id)
    confirmed = opened(credential)
    for row in (rows.filter(verdict__in=_OPEN_TO_SUPERSESSION) | merely_likely).order_by("pk"):
        # A blank at the edge may be the file's: without it the value can be the confirmed password itself. And the
        # same password may have leaked under another of the account's names.
        if not is_blank_edged(opened(row)) and opened(row) != confirmed:
            yield row


def _stop_if_needed(request: Request, attempt: Attempt, reply: SignInReply) -> None:
    directory_id, now = attempt.entra_tenant_id, reply.answered_at
    if reply.retry_after is not None:
        hold_sign_ins(directory_id, reply.retry_after, now)
    facts = {"attempt": str(attempt.id), "credential": str(request.credential.id), "code": reply.code}
    if reply.halts_directory:
        # Our registration is at fault; another tenant's may be in order.
        halt(request.connection.id, reply.meaning, now=now, facts=facts)
    elif why := why_to_stop(attempt, partial(_run_began_at, directory_id)):
        halt_everywhere(directory_id, why, now=now, facts=facts)


def _run_began_at(entra_tenant_id: UUID) -> datetime | None:
    rows = DirectoryConnection.objects.filter(entra_tenant_id=entra_tenant_id)
    return max((row.last_good_check_at for row in rows if row.last_good_check_at), default=None)


def place_of(connection: DirectoryConnection) -> dict[str, str]:
    return {"entra_tenant_id": str(connection.entra_tenant_id), "cloud": connection.cloud}


def wait_for_turn(busy: Busy, clock: Clock, most: timedelta) -> float | None:
    """Seconds to sleep before asking again, or ``None`` when that would be longer than ``most``."""
    seconds = (busy.until - clock()).total_seconds()
    return None if seconds > most.total_seconds() else max(seconds, 0.005)
