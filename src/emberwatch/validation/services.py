"""Validating a credential: what a press of Validate starts, and what the job then does.

The order is: facts → triage → budget → an attempt reserved in a committed row → one sign-in → verdict with
evidence. A job may run twice; an attempt is sent at most once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import Conflict
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.directories.base import (
    Directory,
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    SignInReply,
)
from emberwatch.directories.gate import gate_of, locked_gate
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import required_connection
from emberwatch.directories.services import halt, shared_directory
from emberwatch.engine.facts import announce
from emberwatch.exposures.linking import link_login
from emberwatch.exposures.models import Credential, VerdictRecord
from emberwatch.exposures.services import open_secret, set_verdict
from emberwatch.matching.domains import canonical_login
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require
from emberwatch.validation import evidence
from emberwatch.validation.addressing import connection_for
from emberwatch.validation.attempting import (
    Busy,
    Outdated,
    Reserved,
    Stopped,
    place_of,
    reserve_attempt,
    send,
    wait_for_turn,
    write_answer,
)
from emberwatch.validation.budget import AlreadyWrong, Wait
from emberwatch.validation.choices import kill_switch, policy_of
from emberwatch.validation.finding import find_accounts, reason_code
from emberwatch.validation.foreign import read_foreign_failures
from emberwatch.validation.ledger import Request, settle_unknown
from emberwatch.validation.models import (
    OPEN_STATES,
    Attempt,
    AttemptOrigin,
    AttemptState,
    IdempotencyKey,
    Validation,
    ValidationState,
)
from emberwatch.validation.persisting import persist
from emberwatch.validation.policy import Mode
from emberwatch.validation.reading import (
    Circumstances,
    confirmed_of,
    credential_facts,
    hold_if_busy,
    leak_detections,
    meet_accounts,
    read_memberships,
    sibling_of,
    with_account,
)
from emberwatch.validation.triage import triage
from emberwatch.validation.triage_facts import Decision, Facts, Needs, NeedsAttempt, Protected

log = structlog.get_logger(__name__)

# How long a job waits for its turn before it makes room for another and comes back.
PATIENCE: Final = timedelta(seconds=2)
BUSY_RETRY: Final = timedelta(seconds=2)
# A person is told that the directory asks for time, rather than kept waiting longer than this.
LONGEST_WAIT: Final = timedelta(minutes=1)
Sleep = Callable[[float], None]


def request_validation(
    credential: Credential,
    *,
    actor: Actor,
    now: datetime,
    idempotency_key: str = "",
    confirm: bool = False,
) -> Validation:
    """Starts a validation, or returns the one that is already open for the credential or the key.

    ``confirm``: a verdict that is merely likely is not enough, see :attr:`Validation.confirm`.
    Raises :class:`Conflict` when the tenant's directory cannot be asked at all.
    """
    require(actor, credential.tenant, Permission.VALIDATE)
    require_usable(connection_for(credential) or required_connection(credential.tenant_id))
    wanted = Validation(
        tenant_id=credential.tenant_id,
        credential=credential,
        confirm=confirm,
        requested_by=actor.label,
        requested_at=now,
    )
    try:
        with transaction.atomic():
            return _existing(credential, idempotency_key) or _start(wanted, actor, now, idempotency_key)
    except IntegrityError:
        # Somebody pressed at the same moment; theirs is the one that runs.
        found = _existing(credential, idempotency_key)
        if found is None:
            raise
        return found


def require_usable(connection: DirectoryConnection) -> None:
    """Raises :class:`Conflict` when the operator of a directory lets nobody validate in it."""
    if connection.status == ConnectionStatus.DISABLED:
        raise Conflict("The directory connection is switched off.", remedy="An admin can switch it on again.")
    if policy_of(connection).mode == Mode.OFF:
        raise Conflict(
            "Validation is off for this directory.", remedy="An admin can allow it under Validation choices."
        )
    switch = kill_switch()
    if switch is not None:
        raise Conflict(
            f"The kill switch of this installation is on: {switch.reason}",
            remedy="An organisation admin can lift it.",
        )


def _existing(credential: Credential, idempotency_key: str) -> Validation | None:
    named = _named(credential, idempotency_key) if idempotency_key else None
    if named is not None:
        return named
    running = Validation.objects.filter(credential=credential, state__in=OPEN_STATES).first()
    if running is not None:
        _name(running, idempotency_key)
    return running


def _named(credential: Credential, idempotency_key: str) -> Validation | None:
    keys = IdempotencyKey.objects.filter(tenant_id=credential.tenant_id, key=idempotency_key)
    known = keys.select_related("validation").first()
    if known is None:
        return None
    if known.validation.credential_id != credential.id:
        raise Conflict("This Idempotency-Key was used for another credential.", field="Idempotency-Key")
    return known.validation


def _name(validation: Validation, idempotency_key: str) -> None:
    """From now on the key names this validation, also when it was another press that had started it."""
    if idempotency_key:
        IdempotencyKey.objects.create(
            tenant_id=validation.tenant_id, key=idempotency_key, validation=validation
        )


def _start(wanted: Validation, actor: Actor, now: datetime, idempotency_key: str) -> Validation:
    wanted.save(force_insert=True)
    _name(wanted, idempotency_key)
    record(
        wanted.tenant_id,
        "validation.requested",
        f"credential:{wanted.credential_id}",
        actor=actor,
        now=now,
        facts={"validation": str(wanted.id), "confirm": wanted.confirm},
    )
    announce("validation.requested", validation_id=str(wanted.id), order_by=_account_order(wanted.credential))
    return wanted


def _account_order(credential: Credential) -> str:
    """Jobs on one login run in the order of their requests; the name says nothing to a reader of the queue."""
    return hashlib.sha256(f"{credential.tenant_id}|{credential.login_canonical}".encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class _Job:
    validation: Validation
    credential: Credential
    connection: DirectoryConnection
    actor: Actor
    clock: Clock
    sleep: Sleep


def run_validation(
    validation_id: UUID,
    *,
    clock: Clock = utc_now,
    directory_for: Callable[[DirectoryConnection], Directory] = shared_directory,
    sleep: Sleep = time.sleep,
) -> None:
    """Takes one validation to its verdict. Safe to repeat; errors of the directory become verdicts."""
    job = _load(validation_id, clock, sleep)
    if job is None or _settle_lost_attempt(job):
        return
    stopped = _why_stopped(job.connection)
    if stopped:
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_stopped_directory(stopped))
        return
    if _must_wait_to_read(job):
        return
    try:
        _validate(job, directory_for(job.connection))
    except DirectoryMisconfigured as error:
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_error(error), halting=str(error))
    except DirectoryError as error:
        hold_if_busy(job.connection, error, clock)
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_error(error))


def fail_validation(validation_id: UUID, error: Exception, *, clock: Clock = utc_now) -> None:
    """Ends a validation that our own fault broke, so that it does not stay open for ever."""
    log.error("validation_failed", validation_id=str(validation_id), kind=type(error).__name__)
    job = _load(validation_id, clock, time.sleep)
    if job is not None and not _settle_lost_attempt(job):
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_internal_error(type(error).__name__))


def _load(validation_id: UUID, clock: Clock, sleep: Sleep) -> _Job | None:
    found = Validation.objects.select_related("credential__tenant", "credential__identity").get(
        pk=validation_id
    )
    if found.state == ValidationState.DONE:
        return None
    actor, connection = Actor(label=found.requested_by), connection_for(found.credential)
    if connection is None:
        _end_without_directory(found, actor, clock())
        return None
    return _Job(found, found.credential, connection, actor, clock, sleep)


def _end_without_directory(validation: Validation, actor: Actor, now: datetime) -> None:
    """The last directory of the tenant was removed while the validation waited."""
    found = evidence.of_stopped_directory("the tenant is not connected to a directory any more.")
    with transaction.atomic():
        entry = set_verdict(validation.credential, Verdict.INCONCLUSIVE, None, found, actor=actor, now=now)
        _finish(validation, entry)


def _settle_lost_attempt(job: _Job) -> bool:
    """True when an earlier run of this job reserved an attempt and died: the answer is lost for good."""
    attempt = Attempt.objects.filter(validation=job.validation).first()
    if attempt is None:
        return False
    with transaction.atomic():
        locked_gate(attempt.entra_tenant_id)
        attempt.refresh_from_db()
        if attempt.state == AttemptState.RESERVED:
            settle_unknown(attempt)
        found = evidence.of_lost_attempt(attempt.reserved_at, str(attempt.id))
        _conclude(job, Verdict.INCONCLUSIVE, None, found)
    return True


def _why_stopped(connection: DirectoryConnection) -> str:
    switch = kill_switch()
    if switch is not None:
        return f"The kill switch of this installation is on: {switch.reason}"
    return "" if connection.status == ConnectionStatus.ACTIVE else connection.status_sentence


def _must_wait_to_read(job: _Job) -> bool:
    """Whether the directory asked everybody to wait; a short wait is kept, a long one is told."""
    until, now = gate_of(job.connection.entra_tenant_id).reads_not_before, job.clock()
    if until is None or until <= now:
        return False
    if until - now <= LONGEST_WAIT:
        _postpone(job, until - now)
    else:
        error = DirectoryBusy(
            "The directory has asked Emberwatch to wait.", remedy=f"Until {until:%H:%M} UTC."
        )
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_error(error))
    return True


def _validate(job: _Job, directory: Directory) -> None:
    _move(job, ValidationState.LOOKING_UP)
    secret = open_secret(job.credential)
    circumstances = Circumstances.read(job.connection, directory)
    facts, answer = _triaged(job, directory, circumstances, secret)
    section = evidence.account_section(facts)
    if isinstance(answer, Decision):
        _conclude(job, answer.verdict, answer.certainty, evidence.of_decision(answer) | section)
    elif policy_of(job.connection).mode != Mode.ATTEMPTS:
        why = "The operator lets Emberwatch read facts of this directory and send no sign-ins."
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_choice(why) | section)
    else:
        _attempt(job, directory, answer, secret, section, circumstances.protected)


def _triaged(
    job: _Job, directory: Directory, at: Circumstances, secret: Secret
) -> tuple[Facts, Decision | NeedsAttempt]:
    """Reads facts as far as triage asks for them. Raises :class:`DirectoryError`."""
    facts = at.facts(credential_facts(job.credential, secret))
    if triage(facts) is Needs.ACCOUNT:
        facts = _with_lookup(job, directory, facts, secret)
    [(facts, answer)] = read_memberships(directory, [replace(facts, confirming=job.validation.confirm)])
    if isinstance(answer, DirectoryError):
        raise answer
    if isinstance(answer, Needs):
        raise DirectoryError("The directory did not give the facts that are needed.")
    return facts, answer


def _with_lookup(job: _Job, directory: Directory, facts: Facts, secret: Secret) -> Facts:
    login = canonical_login(facts.credential.login)
    lookup = find_accounts(job.connection, directory, [login], job.clock)[login]
    if isinstance(lookup, DirectoryError):
        raise lookup
    if lookup.account is None:
        if lookup.candidates:
            link_login(job.credential.tenant_id, login, None, reason_code(lookup))
        return with_account(facts, lookup, None, None)
    object_id = lookup.account.object_id
    identity = meet_accounts(
        job.credential.tenant_id, job.connection, [lookup.account], actor=job.actor, clock=job.clock
    )[object_id]
    job.credential.identity = identity
    link_login(job.credential.tenant_id, login, identity, reason_code(lookup))
    confirmed = confirmed_of(job.credential.tenant_id, [identity.pk])
    sibling = sibling_of(job.credential, secret, confirmed)
    facts = replace(facts, credential=credential_facts(job.credential, secret, sibling))
    return with_account(facts, lookup, identity, leak_detections(directory, [object_id]).get(object_id))


def _attempt(
    job: _Job,
    directory: Directory,
    needed: NeedsAttempt,
    secret: Secret,
    section: dict[str, Any],
    protected: frozenset[Protected],
) -> None:
    read_foreign_failures(job.connection, directory, job.clock)
    request = Request(
        job.credential,
        job.connection,
        job.validation.requested_by,
        AttemptOrigin.PRESS,
        protected,
        validation=job.validation,
    )
    answer = _turn(job, request, needed, secret)
    if isinstance(answer, AlreadyWrong):
        found = evidence.of_earlier_answer(answer)
        certainty = Certainty.LIKELY if needed.wrong_is_likely else Certainty.PROVED
        _conclude(job, Verdict.INACTIVE, certainty, found | section)
    elif isinstance(answer, Wait):
        _conclude(job, answer.verdict, None, evidence.of_wait(answer) | section)
    elif isinstance(answer, Stopped):
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_stopped_directory(answer.why) | section)
    elif isinstance(answer, Outdated):
        _postpone(job, BUSY_RETRY)
    elif isinstance(answer, Reserved):
        _move(job, ValidationState.SIGNING_IN)
        reply = send(directory, needed.account, secret, answer.attempt, job.clock)
        persist(lambda: _write(job, request, answer, needed, reply, section))


def _turn(
    job: _Job, request: Request, needed: NeedsAttempt, secret: Secret
) -> Reserved | Wait | AlreadyWrong | Stopped | Outdated | None:
    """Waits a little for its turn; ``None`` when that takes longer and the job comes back later."""
    waited = 0.0
    while True:
        answer = reserve_attempt(request, needed, secret, actor=job.actor, now=job.clock())
        if not isinstance(answer, Busy):
            return answer
        seconds = wait_for_turn(answer, job.clock, PATIENCE)
        if seconds is None or waited + seconds > PATIENCE.total_seconds():
            _postpone(job, max(answer.until - job.clock(), BUSY_RETRY))
            return None
        job.sleep(seconds)
        waited += seconds


def _write(
    job: _Job,
    request: Request,
    reserved: Reserved,
    needed: NeedsAttempt,
    reply: SignInReply,
    section: dict[str, Any],
) -> None:
    with transaction.atomic():
        written = write_answer(request, reserved, needed, reply, section, actor=job.actor)
        _finish(job.validation, written.entry)


def _postpone(job: _Job, wait: timedelta) -> None:
    # The next job starts from the beginning; the page shows that it waits.
    _move(job, ValidationState.QUEUED)
    announce(
        "validation.postponed",
        validation_id=str(job.validation.id),
        order_by=_account_order(job.credential),
        seconds=max(1, round(wait.total_seconds())),
    )


def _conclude(
    job: _Job, verdict: Verdict, certainty: Certainty | None, found: dict[str, Any], *, halting: str = ""
) -> None:
    now = job.clock()
    with transaction.atomic():
        entry = set_verdict(
            job.credential,
            verdict,
            certainty,
            found | {"directory": place_of(job.connection)},
            actor=job.actor,
            now=now,
        )
        _finish(job.validation, entry)
        if halting:
            halt(job.connection.id, halting, now=now, facts={"credential": str(job.credential.id)})


def _finish(validation: Validation, entry: VerdictRecord) -> None:
    Validation.objects.filter(pk=validation.pk).update(
        state=ValidationState.DONE, finished_at=entry.at, verdict_record=entry
    )


def _move(job: _Job, state: ValidationState) -> None:
    job.validation.state = state
    Validation.objects.filter(pk=job.validation.pk).exclude(state=ValidationState.DONE).update(state=state)
