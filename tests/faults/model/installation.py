"""An installation with its tenants, workers and queue, over simulated directories: what a history happens to."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.errors import Conflict
from emberwatch.directories.base import Directory
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection
from emberwatch.directories.services import check_connection
from emberwatch.engine.facts import FactHandler
from emberwatch.exposures.models import Credential
from emberwatch.tenants.models import Tenant
from emberwatch.validation.driving import drive, note_failure, stalled_runs
from emberwatch.validation.models import (
    OPEN_RUN_STATES,
    KillSwitch,
    ProtectedEntry,
    Run,
    Validation,
    ValidationPolicy,
)
from emberwatch.validation.runs import cancel_run, pause_run, resume_run, start_run, start_scheduled_runs
from emberwatch.validation.services import fail_validation, request_validation, run_validation
from tests.factories import make_credential, make_tenant
from tests.faults.model.directory import BEGIN, PASSWORDS, Directories, Rules, SimulatedDirectory
from tests.faults.model.workers import Statements, Worker

PACE: Final = 5.0
LONGEST_REQUEST: Final = timedelta(minutes=1)
EXPIRED: Final = 50055
LEAKED_BEFORE: Final = (timedelta(days=2), timedelta(days=400), timedelta(days=1200))


@dataclass(frozen=True, slots=True)
class Set:
    """What a history begins with."""

    rules: tuple[Rules, ...]
    directory_of: tuple[int, ...]
    """For each tenant the number of the directory that it is connected to."""
    automatic: bool = False
    allowed: int | None = None
    """A lower number that the operator of the first tenant has chosen."""
    seed: int = 0
    to_the_end: bool = True
    """Whether it goes on until every verdict is final, which takes twice as long."""


@dataclass(slots=True)
class Job:
    """One row of the queue. ``lock``: jobs with the same one do not run at once."""

    kind: str
    id: UUID
    due: datetime
    lock: str = ""
    taken: bool = False


class Installation:
    def __init__(self, begin: Set) -> None:
        self.begin = begin
        self.directories = Directories(begin.rules, len(begin.directory_of))
        self.ahead = timedelta(0)
        """How far our clock is ahead of the directories'."""
        self.queue: list[Job] = []
        self._staged: list[Job] = []
        self.workers = [Worker(name, lambda: self.directories.step, self.now) for name in ("first", "second")]
        self.statements = Statements(self.workers, self._committed, self.directories.told)
        self._adapters: dict[tuple[str, UUID], Directory] = {}
        self.tenants: list[Tenant] = []
        self.credentials: list[Credential] = []
        random.seed(begin.seed)

    # Time

    def now(self) -> datetime:
        """By our clock."""
        return self.directories.clock() + self.ahead

    def clock_of(self, worker: Worker) -> Callable[[], datetime]:
        def clock() -> datetime:
            worker.point()
            return self.now()

        return clock

    def pass_time(self, seconds: float) -> None:
        """Requests do not take longer than a minute, so that attempts under way end before a longer time passes."""
        if seconds > 60:
            for worker in self.workers:
                while worker.busy and worker.in_attempt and self.advance(worker):
                    pass
        self.directories.entra.clock.advance(seconds)

    # The queue

    def facts(self) -> dict[str, Sequence[FactHandler]]:
        """What services announce here: the product's own table, with a queue that this test works off."""
        return {
            "validation.requested": (self._validate,),
            "validation.postponed": (self._validate,),
            "run.moves": (self._drive,),
            "directory.checked": (self._wake,),
            "directory.halted": (),
            "run.finished": (),
            "credential.verdict_set": (),
            "credential.recorded": (),
        }

    def _validate(self, *, validation_id: str, order_by: str, seconds: int = 0) -> None:
        due = self.now() + timedelta(seconds=seconds)
        self._put(Job("validation", UUID(validation_id), due, order_by))

    def _drive(self, *, run_id: str, seconds: int) -> None:
        self._put(Job("run", UUID(run_id), self.now() + timedelta(seconds=seconds)))

    def _wake(self, *, tenant_id: str) -> None:
        for run in Run.objects.filter(tenant_id=tenant_id, state__in=OPEN_RUN_STATES):
            self._put(Job("run", run.pk, self.now()))

    def _put(self, job: Job) -> None:
        (self._staged if connection.in_atomic_block else self.queue).append(job)

    def _committed(self) -> None:
        self.queue += self._staged
        self._staged = []

    # Workers

    def advance(self, worker: Worker, points: int = 1) -> bool:
        """Lets a worker go on for some points; false when it has nothing to do."""
        for _ in range(points):
            if not worker.busy and not self._take(worker):
                return False
            self._point(worker)
        return True

    def advance_both(self, points: int) -> None:
        """Step by step in turn, so that each is within what the other does."""
        for _ in range(points):
            moved = [self.advance(worker) for worker in self.workers]
            if not any(moved):
                return

    def _take(self, worker: Worker) -> bool:
        held = {job.lock for job in self.queue if job.taken and job.lock}
        ready = (j for j in self.queue if not j.taken and j.due <= self.now() and j.lock not in held)
        job = next(ready, None)
        if job is None:
            return False
        job.taken = True
        worker.take(job, self._work(worker, job))
        return True

    def _point(self, worker: Worker) -> None:
        self.directories.tick()
        if worker.wakes_at is not None and self.now() < worker.wakes_at:
            self._let_requests_end(worker, worker.wakes_at)
            self.directories.entra.clock.advance((worker.wakes_at - self.now()).total_seconds())
        job = worker.job
        if worker.go_on():
            worker.in_attempt, worker.under_way_since = False, None
            self.queue = [each for each in self.queue if each is not job]

    def _let_requests_end(self, sleeper: Worker, until: datetime) -> None:
        """No request takes longer than a minute, so that others end theirs before a sleeper has slept for so long."""
        for worker in self.workers:
            if worker is not sleeper:
                while (since := worker.under_way_since) and until - since > LONGEST_REQUEST:
                    self._point(worker)

    def kill(self, worker: Worker) -> None:
        """The process dies; its job goes to another worker."""
        job = worker.job
        if not worker.busy:
            return
        worker.kill()
        self._staged = []
        self._adapters = {key: value for key, value in self._adapters.items() if key[0] != worker.name}
        job.taken = False
        self.queue = [*(each for each in self.queue if each is not job), job]

    def believe_dead(self, worker: Worker) -> None:
        """A worker that was slow to report loses its job to another, and goes on all the same."""
        if worker.busy and worker.job in self.queue:
            job = worker.job
            copy = Job(job.kind, job.id, self.now(), "")
            self.queue.append(copy)

    def _work(self, worker: Worker, job: Job) -> Callable[[], None]:
        return lambda: (self._run_validation if job.kind == "validation" else self._drive_run)(worker, job.id)

    def _run_validation(self, worker: Worker, validation_id: UUID) -> None:
        clock = self.clock_of(worker)
        try:
            run_validation(
                validation_id, clock=clock, directory_for=self._opener(worker), sleep=self._sleep(worker)
            )
        except Exception as error:
            fail_validation(validation_id, error, clock=clock)
            raise

    def _drive_run(self, worker: Worker, run_id: UUID) -> None:
        clock = self.clock_of(worker)
        try:
            drive(run_id, clock=clock, directory_for=self._opener(worker), sleep=self._sleep(worker))
        except Exception as error:
            note_failure(run_id, error)
            raise

    def _sleep(self, worker: Worker) -> Callable[[float], None]:
        def sleep(seconds: float) -> None:
            worker.wakes_at = self.now() + timedelta(seconds=seconds)
            worker.point()

        return sleep

    def _opener(self, worker: Worker) -> Callable[[DirectoryConnection], Directory]:
        def open_(connection: DirectoryConnection) -> Directory:
            key = (worker.name, connection.pk)
            if key not in self._adapters:
                directory = self.directories.named(str(connection.entra_tenant_id))
                client = str(connection.client_id)
                clock = self.clock_of(worker)
                self._adapters[key] = self.directories.adapter(directory, client, worker, clock)
            return self._adapters[key]

        return open_

    # What operators do

    def prepare(self) -> None:
        for number, place in enumerate(self.begin.directory_of):
            directory = self.directories.all[place]
            names = [domain.name for domain in directory.state.domains.values()]
            tenant = make_tenant(*names)
            connection = DirectoryConnection.objects.create(
                tenant=tenant,
                cloud=directory.rules.cloud,
                entra_tenant_id=UUID(directory.id),
                client_id=UUID(directory.clients[number]),
                status=ConnectionStatus.ACTIVE,
                last_good_check_at=BEGIN - timedelta(days=2),
                lockout_threshold=directory.rules.threshold,
                created_at=BEGIN,
                updated_at=BEGIN,
            )
            ValidationPolicy.objects.create(
                connection=connection,
                pace=PACE,
                automatic_mode="attempts" if self.begin.automatic else "off",
                failed_attempts_allowed=self.begin.allowed if number == 0 else None,
            )
            self.tenants.append(tenant)

    def directory_of(self, tenant: int) -> SimulatedDirectory:
        return self.directories.all[self.begin.directory_of[tenant]]

    def connection(self, tenant: int) -> DirectoryConnection:
        return DirectoryConnection.objects.get(tenant=self.tenants[tenant])

    def leak(self, tenant: int, account: int, password: int, age: int) -> None:
        user = self.directory_of(tenant).accounts[account]
        leaked_at = self.directories.clock() - LEAKED_BEFORE[age]
        row = make_credential(
            self.tenants[tenant], user.scenario.upn, PASSWORDS[password], leaked_at=leaked_at, now=self.now()
        )
        if row.pk not in {each.pk for each in self.credentials}:
            self.credentials.append(row)

    def press(self, number: int, *, confirm: bool) -> None:
        if self.credentials:
            credential = self.credentials[number % len(self.credentials)]
            self._allowed(
                lambda: request_validation(credential, actor=SYSTEM, now=self.now(), confirm=confirm)
            )

    def start(self, tenant: int) -> None:
        self._allowed(lambda: start_run(self.tenants[tenant], actor=SYSTEM, now=self.now()))

    def change_run(self, tenant: int, how: str) -> None:
        run = Run.objects.filter(tenant=self.tenants[tenant], state__in=OPEN_RUN_STATES).first()
        if run is not None:
            change = {"pause": pause_run, "resume": resume_run, "cancel": cancel_run}[how]
            self._allowed(lambda: change(run, actor=SYSTEM, now=self.now()))
            if how == "resume":
                self.directories.paused_at.pop(run.pk, None)
            else:
                self.directories.paused_at[run.pk] = self.directories.step

    def schedule(self) -> None:
        start_scheduled_runs(now=self.now())

    def look_after_runs(self) -> None:
        """What the engine does each minute."""
        waiting = {job.id for job in self.queue}
        for run in stalled_runs(self.now()):
            if run.pk not in waiting:
                self.queue.append(Job("run", run.pk, self.now()))

    def protect(self, tenant: int, account: int, *, protected: bool, by_group: bool) -> None:
        directory, connection = self.directory_of(tenant), self.connection(tenant)
        user = directory.accounts[account]
        kind, value = (
            ("account", user.scenario.upn.lower()) if not by_group else ("group", self._board(directory))
        )
        rows = ProtectedEntry.objects.filter(
            connection__entra_tenant_id=UUID(directory.id), kind=kind, value=value
        )
        if by_group:
            user = directory.accounts[2]
        if not protected:
            rows.delete()
        elif not rows.exists():
            ProtectedEntry.objects.create(
                connection=connection, kind=kind, value=value, added_by="test", added_at=self.now()
            )
        self.directories.bar(directory, user.id, "board" if by_group else "listed", barred=protected)

    def _board(self, directory: SimulatedDirectory) -> str:
        return next(iter(directory.state.scenario.groups)).object_id

    def kill_switch(self, *, on: bool) -> None:
        now = self.now()
        if not on:
            KillSwitch.objects.filter(lifted_at=None).update(lifted_at=now)
        elif not KillSwitch.objects.filter(lifted_at=None).exists():
            KillSwitch.objects.create(stopped_at=now, stopped_by="test", reason="a test")
        self.directories.switched_off_at = self.directories.step if on else None

    def check(self, tenant: int) -> bool:
        """An admin has the connection checked; it is good when nothing is wrong with it any more."""
        directory, connection = self.directory_of(tenant), self.connection(tenant)
        worker = Worker("page", lambda: self.directories.step, self.now)
        adapter = self.directories.adapter(directory, str(connection.client_id), worker, self.now)
        report = check_connection(
            self.tenants[tenant], actor=SYSTEM, clock=self.now, directory_for=lambda _: adapter
        )
        if report.fault is None:
            self.directories.good_check(directory, str(connection.client_id))
        return report.fault is None

    def _allowed(self, call: Callable[[], Any]) -> None:
        with suppress(Conflict):
            call()

    def open_work(self) -> bool:
        return bool(self.queue) or self.open_runs().exists() or self.open_validations().exists()

    def open_runs(self) -> Any:
        return Run.objects.filter(tenant__in=self.tenants, state__in=OPEN_RUN_STATES)

    def open_validations(self) -> Any:
        return Validation.objects.filter(tenant__in=self.tenants).exclude(state="done")

    # The end

    def mend(self) -> None:
        """Whatever was broken, stopped or fallen out is in order again; people stay as they are."""
        for queue in self.directories.fates.values():
            queue.clear()
        self.directories.entra.world.sources_blocked = False
        self.ahead = timedelta(0)
        self.kill_switch(on=False)
        for directory in self.directories.all:
            self.directories.break_registration(directory, broken=False)
            for user in directory.accounts:
                if user.scenario.answer is not None:
                    directory.state.change_user(user.id, answer=None)
        for tenant in range(len(self.tenants)):
            self.check_if_stopped(tenant)
            self.change_run(tenant, "resume")

    def check_if_stopped(self, tenant: int) -> None:
        if self.connection(tenant).status != ConnectionStatus.ACTIVE:
            self.check(tenant)

    def wait_for_work(self, until: datetime) -> None:
        """Moves the clock to the next job, and has runs looked after as the engine does."""
        for tenant in range(len(self.tenants)):
            self.check_if_stopped(tenant)
        self.look_after_runs()
        due = min((job.due for job in self.queue if not job.taken), default=None)
        moment = min(due or self.now() + timedelta(minutes=1), until)
        wait = (moment - self.now()).total_seconds()
        if wait > 0:
            self.directories.entra.clock.advance(wait)

    def end(self) -> None:
        """Nothing of this history may reach into the next one."""
        for worker in self.workers:
            worker.kill()
        DirectoryConnection.objects.filter(tenant__in=self.tenants).update(status=ConnectionStatus.DISABLED)
        Run.objects.filter(tenant__in=self.tenants, state__in=OPEN_RUN_STATES).update(state="cancelled")
        KillSwitch.objects.filter(lifted_at=None).update(lifted_at=self.now())

    # What happens around it

    def spoil(self, of_sign_in: bool, fate: Any, retry_after: int) -> None:
        self.directories.retry_after = retry_after
        self.directories.fates[of_sign_in].append(fate)

    def owner_changes(self, tenant: int, account: int, password: int) -> None:
        directory = self.directory_of(tenant)
        # The directory tells whole seconds: of two changes in one of them it could not say that there were two.
        self.directories.entra.clock.advance(1)
        self.directories.set_password(directory, directory.accounts[account], PASSWORDS[password])

    def owner_signs_in(self, tenant: int, account: int) -> None:
        directory = self.directory_of(tenant)
        self.directories.owner_signs_in(directory, directory.accounts[account])

    def others_fail(self, tenant: int, account: int, times: int) -> None:
        directory = self.directory_of(tenant)
        self.directories.others_fail(directory, directory.accounts[account], times)

    def bar(self, tenant: int, account: int, why: Any, barred: bool) -> None:
        directory = self.directory_of(tenant)
        self.directories.change(directory, directory.accounts[account], why, barred=barred)

    def federate(self, tenant: int, small: bool, federated: bool) -> None:
        directory = self.directory_of(tenant)
        first, second = directory.state.domains
        self.directories.federate(directory, second if small else first, federated=federated)

    def script(self, tenant: int, account: int, code: int, when: Any) -> None:
        directory = self.directory_of(tenant)
        # That a password has expired is told to whoever knows it.
        moment = "right" if code == EXPIRED else when
        self.directories.script(directory, directory.accounts[account], code, moment, 1)

    def block_address(self, blocked: bool) -> None:
        self.directories.entra.world.sources_blocked = blocked

    def break_registration(self, tenant: int, broken: bool) -> None:
        self.directories.break_registration(self.directory_of(tenant), broken=broken)

    def set_our_clock(self, minutes: int) -> None:
        self.ahead = timedelta(minutes=minutes)
