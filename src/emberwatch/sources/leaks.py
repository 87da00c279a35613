"""The one way to read a leak, whatever it is: a text file, or a container of any depth.

Text is read in this process. Containers are opened and parsed in a child process with limits of its own, so that
a hostile one costs itself and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from emberwatch.parsing.registry import choose
from emberwatch.sources.base import SkipReason
from emberwatch.sources.containers.base import Source
from emberwatch.sources.containers.kinds import container_kind
from emberwatch.sources.events import (
    LeakEvent,
    PartSkipped,
    ReadRequest,
)
from emberwatch.sources.files import beginning, opened_source, plain_part
from emberwatch.sources.reader.limits import CPU_SECONDS
from emberwatch.sources.reader.process import PATIENCE, ReaderDied, ReaderProcess
from emberwatch.sources.reading import LeakReading
from emberwatch.sources.unfinished import Unfinished

_MOST_DEATHS: Final = 5
"""Of the reader, by parts of one leak. What kills it more often is not worth reading on."""


class LeakReader:
    """Reads any number of leaks, one after the other; not to be shared between threads.

    ::

        with LeakReader(ReadRequest(watched=("contoso.example",))) as reader:
            for event in reader.read(Path("logs.zip")):
                match event: ...

    The child process starts with the first container, serves all further ones, and is started again after a
    death. Leaving the ``with`` block ends it.
    """

    def __init__(
        self, request: ReadRequest, *, patience: float = PATIENCE, cpu_seconds: int = CPU_SECONDS
    ) -> None:
        """``patience`` and ``cpu_seconds`` say how long a container may take without any progress."""
        choose(b"", "", request.format or None)
        self._request = request
        self._patience = patience
        self._cpu_seconds = cpu_seconds
        self._process: ReaderProcess | None = None
        self._busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process, if there is one."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def read(self, source: Path | BinaryIO, name: str = "", *, skip_parts: int = 0) -> Iterator[LeakEvent]:
        """Events of one leak, in the leak's own order, in bounded memory.

        ``source`` is a path or a seekable binary file, which stays the caller's to close. ``name`` is what parts
        are named after (default: the file's own name). Parts numbered below ``skip_parts`` are not reported;
        they still count as seen for :attr:`~emberwatch.parsing.base.Flag.REPEATED`, so that reading on gives the
        same events as reading in one go.

        Raises :class:`~emberwatch.core.errors.BadInput` when the file itself cannot be opened, and nothing else:
        whatever a file holds, its fate is an event.
        """
        with opened_source(source) as (found, own_name):
            if container_kind(beginning(found.file)) is None:
                yield from self._plain(found, name or own_name, skip_parts)
            else:
                yield from self._container(found, name or own_name, skip_parts)

    def _plain(self, source: Source, name: str, skip_parts: int) -> Iterator[LeakEvent]:
        if skip_parts <= 0:
            part = plain_part(source, name, reads_cookies=self._request.reads_cookies)
            yield from LeakReading(self._request).events(0, part)

    def _container(self, source: Source, name: str, skip_parts: int) -> Iterator[LeakEvent]:
        if self._busy:
            # The events of the archive before were not read to their end: the child is still at it.
            self.close()
        self._busy = True
        yield from self._with_deaths(source, name, skip_parts)
        self._busy = False

    def _with_deaths(self, source: Source, name: str, skip_parts: int) -> Iterator[LeakEvent]:
        avoid: dict[int, SkipReason] = {}
        unfinished = Unfinished(skip_parts)
        while True:
            try:
                process = self._process = self._process or self._start()
                events = process.read(source.file, source.size, name, unfinished.next_part, avoid)
                yield from unfinished.followed(events)
            except ReaderDied as death:
                self._process = None
                yield from unfinished.cut(death.reason)
                if death.index is None or len(avoid) >= _MOST_DEATHS or death.index in avoid:
                    yield PartSkipped(unfinished.next_part, name, death.reason)
                    return
                avoid[death.index] = death.reason
            else:
                return

    def _start(self) -> ReaderProcess:
        return ReaderProcess(self._request, patience=self._patience, cpu_seconds=self._cpu_seconds)


def read_leak(
    source: Path | BinaryIO, name: str = "", request: ReadRequest | None = None, *, skip_parts: int = 0
) -> Iterator[LeakEvent]:
    """:meth:`LeakReader.read` for a single leak; for many keep one reader, as it keeps its child process."""
    with LeakReader(request or ReadRequest()) as reader:
        yield from reader.read(source, name, skip_parts=skip_parts)
