"""Worker processes that stop at every point at which another process may get in between.

Each is a greenlet of one thread. It stops before every statement outside a transaction, after every commit, at
each sleep and around each request, and goes on when the history says so. Between these points nothing of it is
visible to others, so no other interleaving exists that could matter.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import greenlet  # type: ignore[import-untyped]
from django.db import connection, transaction

Work = Callable[[], None]
MOST_POINTS: Final = 5_000


class Killed(BaseException):
    """The process is gone. Nothing in it can catch this, and nothing that it still tries reaches the database."""


class Worker:
    """One process. ``job`` is what it works on; ``reserved_at_step`` when it last wrote a reservation down."""

    def __init__(self, name: str, step: Callable[[], int], now: Callable[[], datetime]) -> None:
        self.name = name
        self.dead = False
        self.job: Any = None
        self.commits = 0
        self.began_at_step = 0
        self.reserved_at_step = 0
        self.in_attempt = False
        """Between the reservation and the answer that is written down, or later in the same job."""
        self.under_way_since: datetime | None = None
        """When the attempt was reserved whose answer is still to be written down."""
        self.reserved = self.sent = 0
        """Reservations of this job that are committed, and sign-ins that it has sent."""
        self.wakes_at: datetime | None = None
        self.reserving = self.settling = False
        self.answer: Any = None
        """What it was told and has not written down yet."""
        self._step = step
        self._now = now
        self._greenlet: greenlet.greenlet | None = None
        self._failure: BaseException | None = None

    @property
    def busy(self) -> bool:
        return self._greenlet is not None

    def take(self, job: Any, work: Work) -> None:
        self.job, self.dead, self.began_at_step = job, False, self._step()
        self.in_attempt, self.wakes_at, self.under_way_since = False, None, None
        self.reserved = self.sent = 0
        self._greenlet = greenlet.greenlet(lambda: self._run(work))

    def _run(self, work: Work) -> None:
        try:
            work()
        except Killed:
            pass
        except BaseException as error:
            self._failure = error

    def go_on(self) -> bool:
        """To the next point; true when the job has ended."""
        assert self._greenlet is not None
        self.wakes_at = None
        self._greenlet.switch()
        return self._ended()

    def kill(self) -> None:
        if self._greenlet is None:
            return
        self.dead = True
        if self._greenlet:
            self._greenlet.throw(Killed())
        self._greenlet = None
        self.job, self.in_attempt, self.answer, self.under_way_since = None, False, None, None

    def _ended(self) -> bool:
        assert self._greenlet is not None
        if not self._greenlet.dead:
            return False
        self._greenlet = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return True

    def point(self) -> None:
        """Others may go on here."""
        if greenlet.getcurrent() is self._greenlet and not connection.in_atomic_block:
            greenlet.getcurrent().parent.switch()

    @property
    def is_current(self) -> bool:
        return self._greenlet is not None and greenlet.getcurrent() is self._greenlet


class Statements:
    """Sees every statement of the one database connection that the workers share, and makes the points."""

    def __init__(
        self, workers: list[Worker], committed: Callable[[], None], written: Callable[[Any], None]
    ) -> None:
        self._workers = workers
        self._committed = committed
        self._written = written

    def watching(self) -> AbstractContextManager[None]:
        return connection.execute_wrapper(self)

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        worker = next((each for each in self._workers if each.is_current), None)
        if worker is not None and worker.dead:
            raise Killed
        if connection.in_atomic_block:
            self._await_commit(worker)
            if worker is not None and sql.startswith('INSERT INTO "validation_attempt"'):
                worker.reserving = True
            if worker is not None and sql.startswith('UPDATE "validation_attempt"'):
                worker.settling = True
        elif worker is not None:
            worker.point()
        return execute(sql, params, many, context)

    def _await_commit(self, worker: Worker | None) -> None:
        waiting = any(getattr(each[1], "of_model", False) for each in connection.run_on_commit)
        if waiting:
            return

        def done() -> None:
            self._committed()
            if worker is not None:
                self._after_commit(worker)

        done.of_model = True  # type: ignore[attr-defined]
        transaction.on_commit(done)

    def _after_commit(self, worker: Worker) -> None:
        worker.commits += 1
        if worker.answer is not None:
            self._written(worker.answer)
            worker.answer = None
        if worker.settling:
            worker.settling, worker.under_way_since = False, None
        if worker.reserving:
            worker.reserving, worker.in_attempt = False, True
            worker.under_way_since = worker._now()
            worker.reserved += 1
            worker.reserved_at_step = worker._step()
        worker.point()
