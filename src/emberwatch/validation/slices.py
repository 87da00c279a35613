"""One slice of one run on one worker: what it works with, its lease, and the verdicts that it writes down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from emberwatch.accounts.actor import Actor
from emberwatch.core.clock import Clock
from emberwatch.directories.base import Directory
from emberwatch.directories.models import DirectoryConnection
from emberwatch.exposures.services import NewVerdict, set_verdicts
from emberwatch.validation.attempting import place_of
from emberwatch.validation.models import (
    MOVING_STATES,
    AttemptOrigin,
    Run,
    RunOrigin,
    RunState,
    ValidationPolicy,
)
from emberwatch.validation.planning import UNSETTLED
from emberwatch.validation.policy import Mode


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
        return self.run.mode == Mode.ATTEMPTS and mode_now(self.run, self.policy) == Mode.ATTEMPTS

    @property
    def confirms(self) -> bool:
        return self.sends and self.policy.confirm_likely

    @property
    def origin(self) -> AttemptOrigin:
        return AttemptOrigin.SCHEDULE if self.run.origin == RunOrigin.SCHEDULE else AttemptOrigin.RUN


def mode_now(run: Run, policy: ValidationPolicy) -> str:
    return policy.automatic_mode if run.origin == RunOrigin.SCHEDULE else policy.mode


def keep(moved: Drive, lease: timedelta) -> bool:
    """Renews the lease; false when a person has stopped the run meanwhile, or another worker has taken it over."""
    run, until = moved.run, moved.clock() + lease
    kept = Run.objects.filter(pk=run.pk, state__in=MOVING_STATES, leased_until=run.leased_until)
    if not kept.update(leased_until=until, state=RunState.RUNNING, sentence=""):
        return False
    run.leased_until = until
    return True


def store(moved: Drive, decided: Sequence[NewVerdict]) -> None:
    """Verdicts that needed no attempt of this run."""
    if not decided:
        return
    place = {"directory": place_of(moved.connection)}
    placed = [NewVerdict(n.credential, n.verdict, n.certainty, {**n.evidence, **place}) for n in decided]
    with transaction.atomic():
        set_verdicts(moved.run.tenant_id, placed, actor=moved.actor, now=moved.clock())
        count(moved, placed)


def count(moved: Drive, verdicts: Sequence[NewVerdict], *, attempts: int = 0) -> None:
    settled = sum(
        1 for new in verdicts if new.credential.verdict in UNSETTLED and new.verdict not in UNSETTLED
    )
    if settled or attempts:
        Run.objects.filter(pk=moved.run.pk).update(
            decided=F("decided") + settled, attempts=F("attempts") + attempts
        )
