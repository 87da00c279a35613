"""Does the tasks of a scan, one after the other; each process has one of these."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from emberwatch.core.errors import EmberwatchError
from emberwatch.core.secret import Secret
from emberwatch.matching.prefilter import Prefilter
from emberwatch.matching.watchlist import Watchlist
from emberwatch.parsing.base import LineFormat, LineReader, Noise, Outcome
from emberwatch.parsing.cookie_files import looks_like_cookies
from emberwatch.parsing.registry import choose
from emberwatch.sources.base import HEAD, SkippedPart, SkipReason
from emberwatch.sources.containers.kinds import container_kind
from emberwatch.sources.scan.lines import Found
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.targets import STANDARD_INPUT, Target
from emberwatch.sources.scan.tasks import Advanced, Done, Failed, Message, Origin, Render, Row, Rows, Task
from emberwatch.sources.scan.text import TextScanner, file_chunks, file_range
from emberwatch.sources.text import is_text

if TYPE_CHECKING:
    from emberwatch.sources.scan.archives import ArchiveScanner

_BATCH: Final = 1000


class Worker:
    """Scans whatever the tasks name."""

    def __init__(
        self,
        watched: Watchlist,
        prefilter: Prefilter,
        render: Render,
        passwords: Sequence[Secret] = (),
    ) -> None:
        self._text = TextScanner(watched, prefilter)
        self._watched = watched
        self._passwords = passwords
        self._opened: ArchiveScanner | None = None
        self._render = render
        self._latest: tuple[Path | None, LineReader] = (None, _no_reader)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def _archives(self) -> ArchiveScanner:
        if self._opened is None:
            # Loaded where there is a container at all.
            from emberwatch.sources.scan.archives import ArchiveScanner

            self._opened = ArchiveScanner(self._watched, self._passwords)
        return self._opened

    def work(self, task: Task) -> Iterator[Message]:
        """Findings in order, and at the very end what became of everything."""
        done = Done(Tally())
        try:
            yield from self._scan(task, done)
        except OSError as error:
            done.failed.append(Failed(task.target.name, f"{error.strerror or 'It cannot be read'}."))
        except EmberwatchError as error:
            done.failed.append(Failed(task.target.name, str(error)))
        yield done

    def _scan(self, task: Task, done: Done) -> Iterator[Message]:
        if task.target.path is None:
            yield from self._stream(sys.stdin.fileno(), task, done)
            return
        descriptor = os.open(task.target.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if task.end is not None and task.lines is not None:
                yield from self._range(descriptor, task, task.end, task.lines, done)
            else:
                yield from self._stream(descriptor, task, done)
        finally:
            os.close(descriptor)

    def _range(
        self, descriptor: int, task: Task, end: int, lines: LineFormat, done: Done
    ) -> Iterator[Message]:
        reading = file_range(descriptor, task.start, end)
        reader = self._reader_of(descriptor, task.target, lines)
        found = self._text.range(reading, reader, done.tally)
        yield from self._rows(found, Origin(task.target.name, task.target.machine))
        if done.tally.bytes < end - task.start:
            done.failed.append(Failed(task.target.name, "It became shorter while it was read."))
        yield Advanced(end - task.start)

    def _reader_of(self, descriptor: int, target: Target, lines: LineFormat) -> LineReader:
        """The file's habits are learnt once, not for each of its ranges."""
        known, reader = self._latest
        if known != target.path:
            reader = self._text.line_reader(os.pread(descriptor, HEAD, 0), lines)
            self._latest = (target.path, reader)
        return reader

    def _stream(self, descriptor: int, task: Task, done: Done) -> Iterator[Message]:
        target = task.target
        head = _beginning(descriptor)
        if not head:
            done.skipped.append(SkippedPart(target.name, SkipReason.EMPTY))
        elif container_kind(head) is not None:
            yield from self._container(descriptor, head, task, done)
        elif not is_text(head):
            done.skipped.append(SkippedPart(target.name, SkipReason.NOT_TEXT))
        elif looks_like_cookies(head):
            done.skipped.append(SkippedPart(target.name, SkipReason.COOKIES))
        else:
            chunks = chain([head], file_chunks(descriptor))
            found = self._text.stream(chunks, head, choose(head, target.name), done.tally)
            yield from self._rows(found, Origin(target.name, target.machine))
        yield Advanced(target.size)

    def _container(self, descriptor: int, head: bytes, task: Task, done: Done) -> Iterator[Message]:
        target = task.target
        name = "stdin" if target.name == STANDARD_INPUT else target.name
        if target.path is not None and target.seekable:
            messages = self._archives.scan(target.path, name, done)
            yield from self._of_archive(messages)
            return
        # A container is read from its end, which a stream does not have: it is put by, in a file without a name.
        with TemporaryFile(prefix="emberwatch-") as kept, os.fdopen(os.dup(descriptor), "rb") as rest:
            kept.write(head)
            shutil.copyfileobj(rest, kept)
            yield from self._of_archive(self._archives.scan(kept, name, done))

    def _of_archive(self, found: Iterable[tuple[Origin, Found]]) -> Iterator[Message]:
        origin, batch = Origin(""), list[Row]()
        for place, each in found:
            if place is not origin or len(batch) >= _BATCH:
                yield Rows(origin, batch)
                origin, batch = place, []
            self._add(batch, each, place)
        yield Rows(origin, batch)

    def _rows(self, found: Iterable[Found], origin: Origin) -> Iterator[Message]:
        batch: list[Row] = []
        for each in found:
            self._add(batch, each, origin)
            if len(batch) >= _BATCH:
                yield Rows(origin, batch)
                batch = []
        yield Rows(origin, batch)

    def _add(self, batch: list[Row], found: Found, origin: Origin) -> None:
        rendered = self._render(found, origin)
        if rendered is not None:
            batch.append((found.line, rendered))


def _no_reader(number: int, line: bytes) -> Outcome:  # noqa: ARG001 - before there is a file
    return Noise(number)


def _beginning(descriptor: int) -> bytes:
    data = b""
    while len(data) < HEAD and (chunk := os.read(descriptor, HEAD - len(data))):
        data += chunk
    return data
