"""What a run does with the accounts that are due: reads their facts, and sends at most one sign-in for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from emberwatch.core.verdict import Verdict, VerdictGroup
from emberwatch.directories.base import DirectoryBusy, DirectoryError, DirectoryUnreachable, SignInReply
from emberwatch.exposures.models import Credential, ExposureKind
from emberwatch.exposures.services import NewVerdict
from emberwatch.validation import evidence
from emberwatch.validation.attempting import (
    Busy,
    Outdated,
    Reserved,
    Stopped,
    next_turn,
    reserve_attempt,
    send,
    write_answer,
)
from emberwatch.validation.budget import RESTS_FOR
from emberwatch.validation.choosing import Books, Choice, choose
from emberwatch.validation.foreign import read_foreign_failures
from emberwatch.validation.ledger import Request
from emberwatch.validation.looking import Asked, Candidate, Looked, look
from emberwatch.validation.models import ItemState, RunItem, RunState
from emberwatch.validation.persisting import persist
from emberwatch.validation.planning import UNSETTLED
from emberwatch.validation.reading import Circumstances, hold_if_busy
from emberwatch.validation.slices import Drive, Rest, count, keep, store
from emberwatch.validation.triage_facts import Protected

# Longer than a sign-in may take, with its time limits for connecting and reading.
LEASE_FOR_A_SIGN_IN: Final = timedelta(seconds=60)
# A short wait is slept through; for a longer one the worker is free for others.
LONGEST_SLEEP: Final = timedelta(seconds=5)
# Moments at which accounts that have waited are taken up: a wait of a day may be so much longer.
DUE_TOGETHER: Final = timedelta(seconds=20)
# A directory that fails to answer reads is left alone for so long.
REST_AFTER_A_FAULT: Final = timedelta(seconds=30)
# When nothing says when the reason for a stop is gone.
LOOK_AGAIN_AT_A_STOP: Final = timedelta(minutes=1)
# A confirmation leaves this many slots to whatever leaks next, where more than one is allowed at all.
KEPT_FREE_WHEN_CONFIRMING: Final = 1


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
    store(moved, [new for found in looked.values() for new in found.decided])
    standing = [pk for found in looked.values() for pk in found.standing]
    Credential.objects.filter(pk__in=standing).update(looked_at=moved.clock())
    return looked


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
    store(moved, [NewVerdict(row, Verdict.INCONCLUSIVE, None, found) for row in rows])
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
    store(moved, choice.known_wrong)
    if choice.best is None:
        store(moved, choice.waiting)
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
        goes_on=partial(keep, moved, LEASE_FOR_A_SIGN_IN),
    )
    keep_free = KEPT_FREE_WHEN_CONFIRMING if confirming else 0
    directory_id = moved.connection.entra_tenant_id
    while True:
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
        if not keep(moved, LEASE_FOR_A_SIGN_IN):
            return Rest(None)
    if isinstance(answer, Stopped):
        return Rest(moved.clock() + LOOK_AGAIN_AT_A_STOP, RunState.STOPPED, answer.why)
    if isinstance(answer, Outdated):
        # The next slice reads everything anew.
        return Rest(moved.clock(), RunState.RUNNING)
    if isinstance(answer, Reserved):
        reply = send(moved.directory, candidate.needed.account, candidate.secret, answer.attempt, moved.clock)
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
        count(moved, written.verdicts, attempts=1)


def _together(at: datetime | None) -> datetime | None:
    """Accounts that become due one after the other are taken up together, so that their facts are read at once."""
    return None if at is None else at + (datetime.min.replace(tzinfo=at.tzinfo) - at) % DUE_TOGETHER


def _after(item: RunItem, reply: SignInReply) -> None:
    if reply.verdict is Verdict.LOCKED:
        item.not_before = _together(reply.answered_at + RESTS_FOR)
    elif reply.verdict.group is VerdictGroup.ACTIVE:
        # Its siblings have their verdicts by now; what is left of the login is looked at once more.
        item.state = ItemState.FACTS
