"""Moves a run on: facts of many accounts at a time, then one sign-in after the other at the directory's pace.

A worker holds a run for a short lease and moves it on for a slice of time; then the next job goes on. All that
counts stands in the database, so a worker may die at any point: the lease ends and another goes on. An attempt
that was under way counts as spent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final, TypeAlias
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Min, Q, QuerySet

from emberwatch.accounts.actor import Actor
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.verdict import Verdict, VerdictGroup
from emberwatch.directories.base import (
    Directory,
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    DirectoryUnreachable,
    SignInReply,
)
from emberwatch.directories.gate import gate_of, locked_gate
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.queries import connection_of
from emberwatch.directories.services import halt, shared_directory
from emberwatch.engine.facts import announce
from emberwatch.exposures.models import Credential, ExposureKind
from emberwatch.exposures.services import NewVerdict, set_verdicts
from emberwatch.validation import evidence
from emberwatch.validation.attempting import (
    Busy,
    Outdated,
    Reserved,
    Stopped,
    next_turn,
    place_of,
    reserve_attempt,
    write_answer,
)
from emberwatch.validation.budget import RESTS_FOR
from emberwatch.validation.choices import hours_of, kill_switch, limits_of, policy_of
from emberwatch.validation.choosing import Books, Choice, choose
from emberwatch.validation.foreign import read_foreign_failures
from emberwatch.validation.ledger import Request, settle_unknown
from emberwatch.validation.looking import Asked, Candidate, Looked, look
from emberwatch.validation.models import (
    MOVING_STATES,
    Attempt,
    AttemptOrigin,
    AttemptState,
    ItemState,
    Run,
    RunItem,
    RunOrigin,
    RunState,
    ValidationPolicy,
)
from emberwatch.validation.persisting import persist
from emberwatch.validation.planning import UNSETTLED, plan_run
from emberwatch.validation.policy import Mode
from emberwatch.validation.reading import Circumstances, hold_if_busy
from emberwatch.validation.triage import Protected

log = structlog.get_logger(__name__)

SLICE: Final = timedelta(seconds=8)
LEASE: Final = timedelta(seconds=30)
# Longer than a sign-in may take, with its time limits for connecting and reading.
LEASE_FOR_A_SIGN_IN: Final = timedelta(seconds=60)
LEASE_FOR_PLANNING: Final = timedelta(minutes=10)
# A short wait is slept through; for a longer one the worker is free for others.
LONGEST_SLEEP: Final = timedelta(seconds=5)
LOGINS_AT_ONCE: Final = 100
# Facts that an attempt rests on are at most about this old.
FACTS_STAY_FRESH: Final = timedelta(seconds=30)
MOST_ACCOUNTS_AT_ONCE: Final = 20
# Moments at which accounts that have waited are taken up: a wait of a day may be so much longer.
DUE_TOGETHER: Final = timedelta(seconds=20)
# A directory that fails to answer reads is left alone for so long.
REST_AFTER_A_FAULT: Final = timedelta(seconds=30)
# When nothing says when the reason for a stop is gone.
LOOK_AGAIN_AT_A_STOP: Final = timedelta(minutes=1)
# A confirmation leaves this many slots to whatever leaks next, where more than one is allowed at all.
KEPT_FREE_WHEN_CONFIRMING: Final = 1

# Jobs have their time to the second.
EARLY: Final = timedelta(seconds=1)

Opener: TypeAlias = Callable[[DirectoryConnection], Directory]


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before ``until``; ``None``: the run has ended or stands still."""

    until: datetime | None
    state: RunState = RunState.WAITING
    sentence: str = ""


@dataclass(slots=True)
class Drive:
    """One slice of one run on one worker."""

    run: Run
    connection: DirectoryConnection
    policy: ValidationPolicy
    directory: Directory
    actor: Actor
    clock: Clock
    sleep: Callable[[float], None]

    @property
    def sends(self) -> bool:
        """Whether both the run and the operator's present choice let it send sign-ins."""
        return self.run.mode == Mode.ATTEMPTS and _mode_now(self.run, self.policy) == Mode.ATTEMPTS

    @property
    def confirms(self) -> bool:
        return self.sends and self.policy.confirm_likely

    @property
    def origin(self) -> AttemptOrigin:
        return AttemptOrigin.SCHEDULE if self.run.origin == RunOrigin.SCHEDULE else AttemptOrigin.RUN


def drive(
    run_id: UUID,
    *,
    clock: Clock = utc_now,
    sleep: Callable[[float], None] = time.sleep,
    directory_for: Opener = shared_directory,
    slice_: timedelta = SLICE,
) -> datetime | None:
    """Moves a run on for one slice and says when to go on; ``None`` when there is nothing to go on with."""
    run = _take(run_id, clock())
    if run is None:
        return None
    try:
        rest = _move(run, clock, sleep, directory_for, slice_)
    except BaseException:
        _let_go(run)
        raise
    return _settle_down(run, rest, clock())


def stalled_runs(now: datetime) -> list[Run]:
    """Runs that should be moving and are not: their job was lost, or the reason for a stop may be gone."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    due = Q(next_at__isnull=True) | Q(next_at__lte=now)
    return list(Run.objects.filter(free, due, state__in=MOVING_STATES).order_by("requested_at"))


def is_due(run_id: UUID, now: datetime) -> bool:
    """Whether a run wants to be moved on now. Of two jobs for one run the later finds nothing due, and ends."""
    due = Q(next_at__isnull=True) | Q(next_at__lte=now + EARLY)
    return Run.objects.filter(due, pk=run_id, state__in=MOVING_STATES).exists()


def wake(tenant_id: UUID | None) -> list[UUID]:
    """A tenant's moving runs, or all, which wait for nothing from now on: what they waited for may have come."""
    rows = Run.objects.filter(state__in=MOVING_STATES)
    if tenant_id is not None:
        rows = rows.filter(tenant_id=tenant_id)
    rows.update(next_at=None)
    return list(rows.values_list("pk", flat=True))


def note_failure(run_id: UUID, error: Exception) -> None:
    """A fault of our own keeps the run where it is; it is tried again in a minute."""
    log.error("run_failed", run_id=str(run_id), kind=type(error).__name__)
    sentence = (
        f"Emberwatch failed ({type(error).__name__}); the log holds the details. It tries again by itself."
    )
    Run.objects.filter(pk=run_id, state__in=MOVING_STATES).update(
        sentence=sentence, next_at=utc_now() + LOOK_AGAIN_AT_A_STOP
    )


def _take(run_id: UUID, now: datetime) -> Run | None:
    """The run with its lease, unless another worker has it or it does not move."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
    until = now + LEASE
    if not Run.objects.filter(free, pk=run_id, state__in=MOVING_STATES).update(leased_until=until):
        return None
    run = Run.objects.select_related("tenant").get(pk=run_id)
    # Ours, whatever the row may hold by now: it is how this worker knows whether the run is still its own.
    run.leased_until = until
    return run


def _let_go(run: Run) -> None:
    """Ends this worker's lease, and nobody else's: it may have run out, and another has taken the run over."""
    Run.objects.filter(pk=run.pk, leased_until=run.leased_until).update(leased_until=None)


def _settle_down(run: Run, rest: Rest, now: datetime) -> datetime | None:
    """Ends the lease, writes down what the run waits for, and asks for the job that goes on."""
    with transaction.atomic():
        still = Run.objects.select_for_update().get(pk=run.pk)
        if still.leased_until != run.leased_until:
            return None
        _let_go(run)
        if still.state not in MOVING_STATES:
            return None
        still.state, still.sentence, still.next_at = rest.state, rest.sentence[:500], rest.until
        still.finished_at = now if rest.state is RunState.DONE else None
        still.save(update_fields=["state", "sentence", "next_at", "finished_at"])
        if rest.until is not None:
            seconds = max(0, ceil((rest.until - now).total_seconds()))
            announce("run.moves", run_id=str(run.id), seconds=seconds)
        if rest.state is RunState.DONE:
            announce("run.finished", run_id=str(run.id), tenant_id=str(run.tenant_id))
    return rest.until


def _move(
    run: Run, clock: Clock, sleep: Callable[[float], None], directory_for: Opener, slice_: timedelta
) -> Rest:
    connection = connection_of(run.tenant_id)
    stopped = _why_stopped(run, connection)
    if stopped or connection is None:
        return Rest(clock() + LOOK_AGAIN_AT_A_STOP, RunState.STOPPED, stopped)
    policy = policy_of(connection)
    actor = Actor(label=run.requested_by)
    moved = Drive(run, connection, policy, directory_for(connection), actor, clock, sleep)
    _settle_lost_attempts(moved)
    if run.planned_at is None and _keep(moved, LEASE_FOR_PLANNING):
        plan_run(run, now=clock(), confirm_likely=moved.confirms)
    try:
        return _until_the_slice_ends(moved, clock() + slice_)
    except DirectoryMisconfigured as error:
        with transaction.atomic():
            halt(connection.id, str(error), now=clock(), facts={"run": str(run.id)})
        return Rest(clock() + LOOK_AGAIN_AT_A_STOP, RunState.STOPPED, str(error))
    except DirectoryError as error:
        hold_if_busy(connection, error, clock)
        wait = timedelta(seconds=error.retry_after) if error.retry_after else REST_AFTER_A_FAULT
        return Rest(clock() + wait, RunState.WAITING, str(error))


def _why_stopped(run: Run, connection: DirectoryConnection | None) -> str:
    switch = kill_switch()
    if switch is not None:
        return f"The kill switch of this installation is on: {switch.reason}"
    if connection is None or connection.entra_tenant_id != run.entra_tenant_id:
        return "The tenant is no longer connected to the directory that this run was started for."
    if connection.status != ConnectionStatus.ACTIVE:
        return f"The directory connection is stopped: {connection.status_sentence}"
    if _mode_now(run, policy_of(connection)) == Mode.OFF:
        return "Validation is off for this directory."
    return ""


def _mode_now(run: Run, policy: ValidationPolicy) -> str:
    return policy.automatic_mode if run.origin == RunOrigin.SCHEDULE else policy.mode


def _settle_lost_attempts(moved: Drive) -> None:
    """An attempt of this run whose worker died: spent, and its answer is lost for good."""
    for attempt in Attempt.objects.filter(run=moved.run, state=AttemptState.RESERVED):
        with transaction.atomic():
            locked_gate(attempt.entra_tenant_id)
            attempt.refresh_from_db()
            if attempt.state != AttemptState.RESERVED:
                continue
            settle_unknown(attempt)
            if attempt.credential is not None and attempt.credential.verdict in UNSETTLED:
                found = evidence.of_lost_attempt(attempt.reserved_at, str(attempt.id))
                new = NewVerdict(attempt.credential, Verdict.INCONCLUSIVE, None, found)
                set_verdicts(moved.run.tenant_id, [new], actor=moved.actor, now=moved.clock())


def _until_the_slice_ends(moved: Drive, end: datetime) -> Rest:
    circumstances = Circumstances.read(moved.connection, moved.directory)
    while True:
        now = moved.clock()
        if now >= end:
            return Rest(now, RunState.RUNNING)
        if not _keep(moved, LEASE):
            return Rest(None)
        rest = _step(moved, circumstances, now)
        if rest is None:
            continue
        if rest.until is None or rest.state is not RunState.WAITING:
            return rest
        wait = rest.until - moved.clock()
        if wait > min(LONGEST_SLEEP, end - now):
            return rest
        moved.sleep(max(wait.total_seconds(), 0.005))


def _keep(moved: Drive, lease: timedelta) -> bool:
    """Renews the lease; false when a person has stopped the run meanwhile, or another worker has taken it over."""
    run, until = moved.run, moved.clock() + lease
    kept = Run.objects.filter(pk=run.pk, state__in=MOVING_STATES, leased_until=run.leased_until)
    if not kept.update(leased_until=until, state=RunState.RUNNING, sentence=""):
        return False
    run.leased_until = until
    return True


def _step(moved: Drive, circumstances: Circumstances, now: datetime) -> Rest | None:
    """The next piece of work: facts first, then attempts, then confirmations; or what to wait for."""
    gate = gate_of(moved.run.entra_tenant_id)
    if gate.reads_not_before is not None and gate.reads_not_before > now:
        return Rest(gate.reads_not_before, RunState.WAITING, "The directory has asked Emberwatch to wait.")
    items = RunItem.objects.filter(run=moved.run)
    fresh = list(_due(items.filter(state=ItemState.FACTS), now)[:LOGINS_AT_ONCE])
    if fresh:
        look_at(moved, circumstances, fresh)
        return None
    closed = _closed_until(moved, now)
    if closed is not None:
        return closed
    if not moved.sends:
        items.exclude(state=ItemState.DONE).update(state=ItemState.DONE)
    for state in (ItemState.ATTEMPT, ItemState.CONFIRM):
        due = list(_due(items.filter(state=state), now)[: _at_once(moved)])
        if due:
            return try_accounts(moved, circumstances, due, confirming=state is ItemState.CONFIRM)
    waits = items.exclude(state=ItemState.DONE).aggregate(at=Min("not_before"))["at"]
    if waits is None:
        return Rest(None, RunState.DONE)
    return Rest(waits, RunState.WAITING, "The attempt budgets of the accounts that are left are used up.")


def _due(items: QuerySet[RunItem], now: datetime) -> QuerySet[RunItem]:
    return items.filter(Q(not_before__isnull=True) | Q(not_before__lte=now)).order_by("-score", "id")


def _closed_until(moved: Drive, now: datetime) -> Rest | None:
    hours = hours_of(moved.policy)
    opens = hours.next_open(now) if hours else now
    if opens <= now:
        return None
    return Rest(
        opens, RunState.WAITING, "Sign-ins of runs are sent only in the hours chosen for this directory."
    )


def _at_once(moved: Drive) -> int:
    pace = limits_of(moved.run.entra_tenant_id).pace
    return max(1, min(MOST_ACCOUNTS_AT_ONCE, int(FACTS_STAY_FRESH.total_seconds() * pace)))


def look_at(moved: Drive, circumstances: Circumstances, items: Sequence[RunItem]) -> None:
    """Reads the facts of many logins, gives every verdict that they allow, and leaves the rest to attempts."""
    looked = _look(moved, circumstances, items, confirming=False)
    for item in items:
        _file(moved, item, looked[item.login_canonical])
    RunItem.objects.bulk_update(items, ["state", "score", "not_before"])


def _look(
    moved: Drive, circumstances: Circumstances, items: Sequence[RunItem], *, confirming: bool
) -> dict[str, Looked]:
    asked = Asked(moved.run.tenant_id, circumstances, moved.directory, confirming, moved.actor, moved.clock)
    looked = look(asked, [item.login_canonical for item in items])
    for found in looked.values():
        if found.error is not None:
            hold_if_busy(moved.connection, found.error, moved.clock)
    _store(moved, [new for found in looked.values() for new in found.decided])
    standing = [pk for found in looked.values() for pk in found.standing]
    Credential.objects.filter(pk__in=standing).update(looked_at=moved.clock())
    return looked


def _store(moved: Drive, decided: Sequence[NewVerdict]) -> None:
    """Verdicts that needed no attempt of this run."""
    if not decided:
        return
    place = {"directory": place_of(moved.connection)}
    placed = [NewVerdict(n.credential, n.verdict, n.certainty, {**n.evidence, **place}) for n in decided]
    with transaction.atomic():
        set_verdicts(moved.run.tenant_id, placed, actor=moved.actor, now=moved.clock())
        _count(moved, placed)


def _count(moved: Drive, verdicts: Sequence[NewVerdict], *, attempts: int = 0) -> None:
    settled = sum(
        1 for new in verdicts if new.credential.verdict in UNSETTLED and new.verdict not in UNSETTLED
    )
    if settled or attempts:
        Run.objects.filter(pk=moved.run.pk).update(
            decided=F("decided") + settled, attempts=F("attempts") + attempts
        )


def _file(moved: Drive, item: RunItem, found: Looked) -> None:
    """What is left to do for a login after its facts were read."""
    item.not_before = None
    if found.error is not None:
        _postpone_after_fault(moved, item, found.error)
    elif moved.sends and found.candidates:
        item.state, item.score = ItemState.ATTEMPT, found.candidates[0].score
    elif moved.confirms and found.danger:
        item.state, item.score = ItemState.CONFIRM, found.danger
    else:
        item.state = ItemState.DONE


def _postpone_after_fault(moved: Drive, item: RunItem, error: DirectoryError) -> None:
    if isinstance(error, DirectoryBusy | DirectoryUnreachable):
        wait = timedelta(seconds=error.retry_after) if error.retry_after else REST_AFTER_A_FAULT
        item.not_before = moved.clock() + wait
        return
    # Asking again would bring the same answer, such as two accounts for one login.
    rows = Credential.objects.filter(
        tenant_id=moved.run.tenant_id, login_canonical=item.login_canonical, verdict__in=UNSETTLED
    )
    found = evidence.of_error(error)
    rows = rows.filter(exposure_kind=ExposureKind.EMPLOYEE).exclude(verdict=Verdict.INCONCLUSIVE)
    _store(moved, [NewVerdict(row, Verdict.INCONCLUSIVE, None, found) for row in rows])
    item.state = ItemState.DONE


def try_accounts(
    moved: Drive, circumstances: Circumstances, items: Sequence[RunItem], *, confirming: bool
) -> Rest | None:
    """At most one sign-in for each of these accounts, on facts read just before."""
    read_foreign_failures(moved.connection, moved.directory, moved.clock)
    looked = _look(moved, circumstances, items, confirming=confirming)
    candidates = [each for found in looked.values() for each in found.candidates]
    object_ids = {each.needed.account.object_id for each in candidates}
    books = Books.read(moved.connection, object_ids, moved.clock())
    for item in items:
        found = looked[item.login_canonical]
        rest = _try_account(moved, item, found, circumstances, books, confirming=confirming)
        item.save(update_fields=["state", "score", "not_before"])
        if rest is not None:
            return rest
    return None


def _try_account(
    moved: Drive,
    item: RunItem,
    found: Looked,
    circumstances: Circumstances,
    books: Books,
    *,
    confirming: bool,
) -> Rest | None:
    if found.error is not None or not found.candidates:
        _file(moved, item, found)
        return None
    choice = choose(
        books,
        found.candidates,
        now=moved.clock(),
        keep_free=KEPT_FREE_WHEN_CONFIRMING if confirming else 0,
    )
    _store(moved, choice.known_wrong)
    if choice.best is None:
        _store(moved, choice.waiting)
        item.not_before = _together(choice.until)
        if choice.until is None:
            _nothing_to_try(moved, item, found, confirming=confirming)
        return None
    rest = _send_in_turn(moved, item, choice, circumstances.protected, confirming=confirming)
    if rest is None and item.state != ItemState.DONE and item.not_before is None:
        item.state = ItemState.FACTS if choice.next_score is None else item.state
        item.score = choice.next_score if choice.next_score is not None else item.score
    return rest


def _nothing_to_try(moved: Drive, item: RunItem, found: Looked, *, confirming: bool) -> None:
    """Every password in question has its answer; what is merely likely beside them is still to be confirmed."""
    if not confirming and moved.confirms and found.danger:
        item.state, item.score = ItemState.CONFIRM, found.danger
    else:
        item.state = ItemState.DONE


def _send_in_turn(
    moved: Drive, item: RunItem, choice: Choice, protected: frozenset[Protected], *, confirming: bool
) -> Rest | None:
    """Waits for the directory's next slot and sends; returns what the whole run has to wait for."""
    candidate = choice.best
    if candidate is None:
        return None
    request = Request(
        candidate.credential,
        moved.connection,
        moved.run.requested_by,
        moved.origin,
        protected,
        run=moved.run,
    )
    keep_free = KEPT_FREE_WHEN_CONFIRMING if confirming else 0
    directory_id = moved.connection.entra_tenant_id
    while True:
        if not _keep(moved, LEASE_FOR_A_SIGN_IN):
            return Rest(None)
        answer = next_turn(directory_id, moved.clock()) or reserve_attempt(
            request,
            candidate.needed,
            candidate.secret,
            actor=moved.actor,
            now=moved.clock(),
            keep_free=keep_free,
        )
        if not isinstance(answer, Busy):
            break
        wait = answer.until - moved.clock()
        if wait > LONGEST_SLEEP:
            return Rest(answer.until, RunState.WAITING, answer.why)
        moved.sleep(max(wait.total_seconds(), 0.005))
    if isinstance(answer, Stopped):
        return Rest(moved.clock() + LOOK_AGAIN_AT_A_STOP, RunState.STOPPED, answer.why)
    if isinstance(answer, Outdated):
        # The next slice reads everything anew.
        return Rest(moved.clock(), RunState.RUNNING)
    if isinstance(answer, Reserved):
        reply = moved.directory.sign_in(candidate.needed.account, candidate.secret, answer.attempt.id)
        persist(lambda: _write(moved, request, answer, candidate, reply))
        _after(item, reply)
    # Else somebody was faster: with the next look at the account its ledger says what is left.
    return None


def _write(
    moved: Drive, request: Request, reserved: Reserved, candidate: Candidate, reply: SignInReply
) -> None:
    with transaction.atomic():
        written = write_answer(
            request, reserved, candidate.needed, reply, candidate.section, actor=moved.actor
        )
        _count(moved, written.verdicts, attempts=1)


def _together(at: datetime | None) -> datetime | None:
    """Accounts that become due one after the other are taken up together, so that their facts are read at once."""
    return None if at is None else at + (datetime.min.replace(tzinfo=at.tzinfo) - at) % DUE_TOGETHER


def _after(item: RunItem, reply: SignInReply) -> None:
    if reply.verdict is Verdict.LOCKED:
        item.not_before = _together(reply.answered_at + RESTS_FOR)
    elif reply.verdict.group is VerdictGroup.ACTIVE:
        # Its siblings have their verdicts by now; what is left of the login is looked at once more.
        item.state = ItemState.FACTS
