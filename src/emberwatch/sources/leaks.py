"""The one way to read a leak, whatever it is: a text file, or a container of any depth.

Text is read in this process. Containers are opened and parsed in a child process with limits of its own, so that
a hostile one costs itself and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import ANYBODY, ParseContext
from emberwatch.parsing.repeats import Repeats
from emberwatch.sources.base import SkippedPart
from emberwatch.sources.events import LeakEvent, PartSkipped, ReadRequest
from emberwatch.sources.files import open_leak
from emberwatch.sources.reading import read_events


class LeakReader:
    """Reads any number of leaks, one after the other; not to be shared between threads.

    ::

        with LeakReader(ReadRequest(domains=("contoso.example",))) as reader:
            for event in reader.read(Path("logs.zip")):
                match event: ...

    The child process starts with the first container, serves all further ones, and is started again after a
    death. Leaving the ``with`` block ends it.
    """

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._context = _context(request)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child process, if there is one."""

    def read(self, source: Path | BinaryIO, name: str = "", *, skip_parts: int = 0) -> Iterator[LeakEvent]:
        """Events of one leak, in the leak's own order, in bounded memory.

        ``source`` is a path or a seekable binary file, which stays the caller's to close. ``name`` is what parts
        are named after (default: the file's own name). Parts numbered below ``skip_parts`` are not reported;
        they still count as seen for :attr:`~emberwatch.parsing.base.Flag.REPEATED`, so that reading on gives the
        same events as reading in one go.

        Raises :class:`~emberwatch.core.errors.BadInput` when the file itself cannot be opened or the forced
        format does not exist, and nothing else: whatever a file holds, its fate is an event.
        """
        repeats = Repeats()
        for index, opened in enumerate(open_leak(source, name)):
            if isinstance(opened, SkippedPart):
                events: Iterator[LeakEvent] = iter((PartSkipped(index, opened.name, opened.reason),))
            else:
                events = read_events(
                    index, opened, self._context, forced=self._request.format, repeats=repeats
                )
            for event in events:
                if index >= skip_parts:
                    yield event


def read_leak(
    source: Path | BinaryIO, name: str = "", request: ReadRequest | None = None, *, skip_parts: int = 0
) -> Iterator[LeakEvent]:
    """:meth:`LeakReader.read` for a single leak; for many keep one reader, as it keeps its child process."""
    with LeakReader(request or ReadRequest()) as reader:
        yield from reader.read(source, name, skip_parts=skip_parts)


def _context(request: ReadRequest) -> ParseContext:
    if request.domains is None:
        return ANYBODY
    domains = DomainSet(request.domains)
    return ParseContext(is_ours=domains.owns, hints=domains.hints)
