"""Does all tasks in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from emberwatch.sources.base import SkippedPart
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.tasks import Done, Message, Task

Told: TypeAlias = tuple[Task | None, Message]


class Working(Protocol):
    """Does one task after the other."""

    def work(self, task: Task) -> Iterator[Message]: ...

    def close(self) -> None: ...


MakeWorker: TypeAlias = Callable[[], Working]


def run_alone(tasks: Iterator[Task | SkippedPart], make: MakeWorker) -> Iterator[Told]:
    """All messages in the order of the tasks; each task's last one is its :class:`Done`."""
    worker = make()
    try:
        for task in tasks:
            if isinstance(task, SkippedPart):
                yield None, skipped(task)
                continue
            for message in worker.work(task):
                yield task, message
    finally:
        worker.close()


def skipped(part: SkippedPart) -> Done:
    """What there is to tell of a file that is not read."""
    return Done(Tally(), files=0, skipped=[part])
