"""Validating a credential: what a press of Validate starts, and what the job then does.

The order is: facts → triage → budget → an attempt reserved in a committed row → one sign-in → verdict with
evidence. A job may run twice; an attempt is sent at most once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import Conflict
from emberwatch.core.secret import Secret
from emberwatch.core.verdict import Certainty, Verdict, VerdictGroup
from emberwatch.directories.base import (
    AccountFacts,
    Directory,
    DirectoryError,
    DirectoryMisconfigured,
    SignInReply,
)
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import required_connection
from emberwatch.directories.services import halt, halt_everywhere, lockout_policy, shared_directory
from emberwatch.engine.facts import announce
from emberwatch.exposures.features import is_blank_edged
from emberwatch.exposures.models import Credential, SecretKind
from emberwatch.exposures.services import open_secret, set_verdict
from emberwatch.identities.services import remember
from emberwatch.matching.domains import canonical_login, login_domain
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import require
from emberwatch.validation import evidence
from emberwatch.validation.budget import AlreadyWrong, Policy, Slot, Wait, may_attempt
from emberwatch.validation.ledger import (
    ledger_of,
    lock_account,
    previous_answer_locked_another,
    reserve,
    settle,
    settle_abandoned,
    settle_unknown,
)
from emberwatch.validation.models import (
    OPEN_STATES,
    Attempt,
    AttemptState,
    IdempotencyKey,
    Validation,
    ValidationState,
)
from emberwatch.validation.triage import CredentialFacts, Decision, Facts, NeedsAttempt, SiblingFacts, triage
from emberwatch.vault.services import installation_vault

log = structlog.get_logger(__name__)

BUSY_ACCOUNT_RETRY: Final = timedelta(seconds=2)
# Verdicts that a bulk run asks about again; the rest stand.
UNSETTLED: Final = (Verdict.UNVALIDATED, Verdict.THROTTLED, Verdict.INCONCLUSIVE, Verdict.LOCKED)


def request_validation(
    credential: Credential, *, actor: Actor, now: datetime, idempotency_key: str = ""
) -> Validation:
    """Starts a validation, or returns the one that is already open for the credential or the key.

    Raises :class:`Conflict` when the tenant's directory cannot be asked at all.
    """
    _require_usable_directory(credential.tenant, actor)
    try:
        with transaction.atomic():
            return _existing(credential, idempotency_key) or _start(credential, actor, now, idempotency_key)
    except IntegrityError:
        # Somebody pressed at the same moment; theirs is the one that runs.
        found = _existing(credential, idempotency_key)
        if found is None:
            raise
        return found


def _require_usable_directory(tenant: Tenant, actor: Actor) -> None:
    require(actor, tenant, Permission.VALIDATE)
    if required_connection(tenant.id).status == ConnectionStatus.DISABLED:
        raise Conflict("The directory connection is switched off.", remedy="An admin can switch it on again.")


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


def _start(credential: Credential, actor: Actor, now: datetime, idempotency_key: str) -> Validation:
    validation = Validation.objects.create(
        tenant_id=credential.tenant_id, credential=credential, requested_by=actor.label, requested_at=now
    )
    _name(validation, idempotency_key)
    record(
        credential.tenant_id,
        "validation.requested",
        f"credential:{credential.id}",
        actor=actor,
        now=now,
        facts={"validation": str(validation.id)},
    )
    announce("validation.requested", validation_id=str(validation.id), order_by=_account_order(credential))
    return validation


def _account_order(credential: Credential) -> str:
    """Jobs on one login run in the order of their requests; the name says nothing to a reader of the queue."""
    return hashlib.sha256(f"{credential.tenant_id}|{credential.login_canonical}".encode()).hexdigest()[:24]


def request_all(tenant: Tenant, *, actor: Actor, now: datetime) -> list[Validation]:
    """Starts a validation for every credential whose verdict is not settled, newest leak first.

    Credentials with an open validation are left to it. All start together or none does.
    """
    _require_usable_directory(tenant, actor)
    rows = Credential.objects.filter(tenant=tenant, verdict__in=UNSETTLED)
    rows = rows.exclude(validations__state__in=OPEN_STATES)
    ordered = rows.order_by(F("leaked_at").desc(nulls_last=True), "-last_seen_at", "-id")
    with transaction.atomic():
        # Serialises bulk requests of one tenant; a single press at the same moment is told apart below.
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        wanted = [
            Validation(tenant_id=tenant.id, credential=each, requested_by=actor.label, requested_at=now)
            for each in ordered
        ]
        Validation.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=1000)
        made = set(
            Validation.objects.filter(pk__in=[each.pk for each in wanted]).values_list("pk", flat=True)
        )
        started = [each for each in wanted if each.pk in made]
        facts = {"validations": len(started)}
        record(
            tenant.id, "validation.requested_all", f"tenant:{tenant.id}", actor=actor, now=now, facts=facts
        )
        for each in started:
            order_by = _account_order(each.credential)
            announce("validation.requested", validation_id=str(each.id), order_by=order_by)
    return started


@dataclass(frozen=True, slots=True)
class _Job:
    validation: Validation
    credential: Credential
    connection: DirectoryConnection
    actor: Actor
    clock: Clock


def run_validation(
    validation_id: UUID,
    *,
    clock: Clock = utc_now,
    directory_for: Callable[[DirectoryConnection], Directory] = shared_directory,
) -> None:
    """Takes one validation to its verdict. Safe to repeat; errors of the directory become verdicts."""
    job = _load(validation_id, clock)
    if job is None or _settle_lost_attempt(job):
        return
    if job.connection.status != ConnectionStatus.ACTIVE:
        _conclude(
            job, Verdict.INCONCLUSIVE, None, evidence.of_stopped_directory(job.connection.status_sentence)
        )
        return
    try:
        _validate(job, directory_for(job.connection))
    except DirectoryMisconfigured as error:
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_error(error), halting=str(error))
    except DirectoryError as error:
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_error(error))


def fail_validation(validation_id: UUID, error: Exception, *, clock: Clock = utc_now) -> None:
    """Ends a validation that our own fault broke, so that it does not stay open for ever."""
    log.error("validation_failed", validation_id=str(validation_id), kind=type(error).__name__)
    job = _load(validation_id, clock)
    if job is not None and not _settle_lost_attempt(job):
        _conclude(job, Verdict.INCONCLUSIVE, None, evidence.of_internal_error(type(error).__name__))


def _load(validation_id: UUID, clock: Clock) -> _Job | None:
    found = Validation.objects.select_related("credential__tenant", "credential__identity").get(
        pk=validation_id
    )
    if found.state == ValidationState.DONE:
        return None
    connection = required_connection(found.tenant_id)
    return _Job(found, found.credential, connection, Actor(label=found.requested_by), clock)


def _settle_lost_attempt(job: _Job) -> bool:
    """True when an earlier run of this job reserved an attempt and died: the answer is lost for good."""
    attempt = Attempt.objects.filter(validation=job.validation).first()
    if attempt is None:
        return False
    with transaction.atomic():
        lock_account(attempt.entra_tenant_id, attempt.object_id)
        attempt.refresh_from_db()
        if attempt.state == AttemptState.RESERVED:
            settle_unknown(attempt)
        found = evidence.of_lost_attempt(attempt.reserved_at, str(attempt.id))
        _conclude(job, Verdict.INCONCLUSIVE, None, found)
    return True


def _validate(job: _Job, directory: Directory) -> None:
    _move(job, ValidationState.LOOKING_UP)
    secret = open_secret(job.credential)
    facts = _with_lookup(
        directory, Facts(_credential_facts(job.credential, secret), None, directory.read_domains())
    )
    account = facts.lookup.account if facts.lookup else None
    if account is not None:
        _remember_identity(job, account)
        facts = Facts(_credential_facts(job.credential, secret), facts.lookup, facts.domains)
    section = {"account": evidence.account_section(facts.lookup)} if facts.lookup else {}
    answer = triage(facts)
    if isinstance(answer, Decision):
        _conclude(job, answer.verdict, answer.certainty, evidence.of_decision(answer) | section)
    elif isinstance(answer, NeedsAttempt):
        _attempt(job, directory, answer, secret, section)


def _with_lookup(directory: Directory, facts: Facts) -> Facts:
    if triage(facts) is not None:
        return facts
    return Facts(
        facts.credential, directory.find_account(canonical_login(facts.credential.login)), facts.domains
    )


def _credential_facts(credential: Credential, secret: Secret) -> CredentialFacts:
    return CredentialFacts(
        login=credential.login,
        login_domain=login_domain(credential.login) or "",
        is_hash=credential.secret_kind == SecretKind.HASH,
        length=credential.secret_length,
        blank_edged=is_blank_edged(secret),
        leaked_at=credential.leaked_at,
        confirmed_sibling=_confirmed_sibling(credential),
    )


def _confirmed_sibling(credential: Credential) -> SiblingFacts | None:
    if credential.identity_id is None:
        return None
    confirmed = (
        Credential.objects.filter(
            tenant_id=credential.tenant_id,
            identity_id=credential.identity_id,
            verdict_group=VerdictGroup.ACTIVE,
            certainty=Certainty.PROVED,
        )
        .exclude(pk=credential.pk)
        .order_by("-verdict_at")
        .first()
    )
    if confirmed is None or confirmed.verdict_at is None:
        return None
    return SiblingFacts(str(confirmed.id), confirmed.verdict_at)


def _remember_identity(job: _Job, account: AccountFacts) -> None:
    identity = remember(job.credential.tenant_id, job.connection.entra_tenant_id, account)
    job.credential.identity = identity
    Credential.objects.filter(pk=job.credential.pk).update(identity=identity)


def _attempt(
    job: _Job, directory: Directory, needed: NeedsAttempt, secret: Secret, section: dict[str, Any]
) -> None:
    answer = _reserve(job, needed.account, secret)
    if isinstance(answer, AlreadyWrong):
        found = evidence.of_earlier_answer(answer)
        _conclude(job, Verdict.INACTIVE, Certainty.PROVED, found | section)
    elif isinstance(answer, Wait):
        _conclude(job, answer.verdict, None, evidence.of_wait(answer) | section)
    elif answer is not None:
        attempt, slot = answer
        reply = directory.sign_in(needed.account, secret, attempt.id)
        _answered(job, attempt, reply, evidence.of_reply(reply, needed.notes, slot.left) | section)


def _reserve(
    job: _Job, account: AccountFacts, secret: Secret
) -> tuple[Attempt, Slot] | Wait | AlreadyWrong | None:
    """Decides and writes the attempt down in one committed transaction; ``None``: the account is busy, later."""
    directory_id, now = job.connection.entra_tenant_id, job.clock()
    pair = installation_vault().fingerprint("pair", str(directory_id), str(account.object_id), secret)
    with transaction.atomic(durable=True):
        lock_account(directory_id, account.object_id)
        settle_abandoned(directory_id, account.object_id, now)
        ledger = ledger_of(directory_id, account.object_id, pair)
        if any(spent.in_flight for spent in ledger):
            _postpone(job)
            return None
        decision = may_attempt(ledger, _policy(job.connection, account), now, account.last_password_change_at)
        if not isinstance(decision, Slot):
            return decision
        attempt = reserve(job.validation, directory_id, account.object_id, pair, now)
        _move(job, ValidationState.SIGNING_IN)
        record(
            job.credential.tenant_id,
            "attempt.reserved",
            f"account:{account.object_id}",
            actor=job.actor,
            now=now,
            facts={
                "attempt": str(attempt.id),
                "credential": str(job.credential.id),
                "directory": str(directory_id),
            },
        )
        return attempt, decision


def _policy(connection: DirectoryConnection, account: AccountFacts) -> Policy:
    threshold, cloud_limit = lockout_policy(connection)
    # A synced account may be checked on premises, where every wrong try counts: nobody has told us otherwise.
    return Policy(threshold, cloud_limit, single_try=account.synced)


def _postpone(job: _Job) -> None:
    seconds = int(BUSY_ACCOUNT_RETRY.total_seconds())
    announce(
        "validation.postponed",
        validation_id=str(job.validation.id),
        order_by=_account_order(job.credential),
        seconds=seconds,
    )


def _answered(job: _Job, attempt: Attempt, reply: SignInReply, found: dict[str, Any]) -> None:
    halting = reply.meaning if reply.halts_directory else ""
    with transaction.atomic():
        lock_account(attempt.entra_tenant_id, attempt.object_id)
        settle(attempt, reply)
        record(
            attempt.tenant_id,
            "attempt.answered",
            f"account:{attempt.object_id}",
            actor=job.actor,
            now=reply.answered_at,
            facts={"attempt": str(attempt.id), "code": reply.code, "trace_id": reply.trace_id},
        )
        _conclude(job, reply.verdict, reply.certainty, found, halting=halting)
        if reply.verdict is Verdict.LOCKED and previous_answer_locked_another(attempt):
            halt_everywhere(
                attempt.entra_tenant_id,
                "Two accounts in a row were answered as locked. Our address may be blocked; nothing more is sent.",
                now=reply.answered_at,
            )


def _conclude(
    job: _Job, verdict: Verdict, certainty: Certainty | None, found: dict[str, Any], *, halting: str = ""
) -> None:
    now = job.clock()
    place = {"entra_tenant_id": str(job.connection.entra_tenant_id), "cloud": job.connection.cloud}
    with transaction.atomic():
        validation = Validation.objects.select_for_update().get(pk=job.validation.pk)
        entry = set_verdict(
            job.credential, verdict, certainty, found | {"directory": place}, actor=job.actor, now=now
        )
        validation.state = ValidationState.DONE
        validation.finished_at = now
        validation.verdict_record = entry
        validation.save(update_fields=["state", "finished_at", "verdict_record"])
        if halting:
            halt(job.connection.id, halting, now=now, facts={"credential": str(job.credential.id)})


def _move(job: _Job, state: ValidationState) -> None:
    job.validation.state = state
    Validation.objects.filter(pk=job.validation.pk).exclude(state=ValidationState.DONE).update(state=state)
