"""Spreads tasks over processes and brings what they tell back into the order of the tasks.

Each process is given a task when it has finished the last one, so a large file keeps all of them busy. Memory
stays bounded: who is far ahead of the task whose turn it is has to wait. A process that dies costs its task.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Final

from emberwatch.sources.base import SkippedPart
from emberwatch.sources.scan.alone import MakeWorker, Told, skipped
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.tasks import Done, Failed, Message, Rows, Task

_MOST_WAITING: Final = 200
"""Messages of one process that wait for their turn."""
_AHEAD: Final = 8
"""Tasks for each process that may be begun before the first of them has ended."""


def run_together(tasks: Iterator[Task | SkippedPart], make: MakeWorker, processes: int) -> Iterator[Told]:
    """All messages in the order of the tasks, as :func:`emberwatch.sources.scan.alone.run_alone` gives them."""
    return _Pool(tasks, make, processes).run()


@dataclass(slots=True, eq=False)
class _Turn:
    """A task that was begun, and what it has told so far."""

    task: Task | None
    told: deque[Message] = field(default_factory=deque)
    ended: bool = False


@dataclass(slots=True, eq=False)
class _Process:
    process: ForkProcess
    pipe: Connection
    turn: _Turn | None = None


class _Pool:
    def __init__(self, tasks: Iterator[Task | SkippedPart], make: MakeWorker, processes: int) -> None:
        self._tasks = tasks
        self._make = make
        self._size = processes
        self._processes: list[_Process] = []
        self._turns: deque[_Turn] = deque()
        self._exhausted = False

    def run(self) -> Iterator[Told]:
        try:
            self._processes = [self._started() for _ in range(self._size)]
            while self._assign() or self._turns:
                self._listen()
                yield from self._ready()
        finally:
            self._stop()

    def _started(self) -> _Process:
        # Forked, so that the search database, once made, is there for all.
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        others = [each.pipe for each in self._processes]
        process = context.Process(target=_serve, args=(self._make, theirs, [ours, *others]), daemon=False)
        process.start()
        theirs.close()
        return _Process(process, ours)

    def _assign(self) -> bool:
        """Gives idle processes work; whether there was any."""
        idle = [each for each in self._processes if each.turn is None]
        given = False
        while idle and not self._exhausted and len(self._turns) < _AHEAD * self._size:
            task = next(self._tasks, None)
            if task is None:
                self._exhausted = True
            elif isinstance(task, SkippedPart):
                self._turns.append(_Turn(None, deque([skipped(task)]), ended=True))
                given = True
            else:
                self._give(idle.pop(), task)
                given = True
        return given

    def _give(self, process: _Process, task: Task) -> None:
        process.turn = _Turn(task)
        self._turns.append(process.turn)
        process.pipe.send(task)

    def _listen(self) -> None:
        heard = {each.pipe: each for each in self._processes if self._may_speak(each)}
        if self._turns and self._turns[0].ended:
            return
        for pipe in wait(list(heard)):
            self._hear(heard[pipe])  # type: ignore[index]

    def _may_speak(self, process: _Process) -> bool:
        turn = process.turn
        return turn is not None and (turn is self._turns[0] or len(turn.told) < _MOST_WAITING)

    def _hear(self, process: _Process) -> None:
        turn = process.turn
        if turn is None:
            return
        try:
            message: Message = process.pipe.recv()
        except (EOFError, OSError):
            message = self._died(process, turn)
        turn.told.append(message)
        if isinstance(message, Done):
            turn.ended, process.turn = True, None

    def _died(self, process: _Process, turn: _Turn) -> Done:
        process.process.join()
        process.pipe.close()
        self._processes.remove(process)
        self._processes.append(self._started())
        name = turn.task.target.name if turn.task else ""
        return Done(Tally(), failed=[Failed(name, "The process that read it has died.")])

    def _ready(self) -> Iterator[Told]:
        while self._turns:
            first = self._turns[0]
            while first.told:
                yield first.task, first.told.popleft()
            if not first.ended:
                return
            self._turns.popleft()

    def _stop(self) -> None:
        for each in self._processes:
            each.pipe.close()
        for each in self._processes:
            each.process.terminate()
            each.process.join()


def _serve(make: MakeWorker, pipe: Connection, others: list[Connection]) -> None:
    """The life of one process: tasks in, messages out, until nobody is at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    for other in others:
        other.close()
    worker = make()
    try:
        while True:
            for message in worker.work(pipe.recv()):
                if not isinstance(message, Rows) or message.rows:
                    pipe.send(message)
    except (EOFError, OSError):
        pass
    finally:
        worker.close()


def _leave() -> None:
    raise SystemExit(1)
