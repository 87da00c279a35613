"""Scans containers, which are opened in a process of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from emberwatch.core.secret import Secret
from emberwatch.matching.watchlist import HOST_MARK, Watchlist
from emberwatch.parsing.base import ParsedCredential, Reject
from emberwatch.sources.base import SkippedPart
from emberwatch.sources.events import LeakEvent, PartFinished, PartSkipped, PartStarted, ReadRequest
from emberwatch.sources.leaks import LeakReader
from emberwatch.sources.scan.lines import Found
from emberwatch.sources.scan.tally import Counting, Tally
from emberwatch.sources.scan.tasks import Done, Failed, Origin


class ArchiveScanner:
    """Reads any number of containers; its child process starts with the first one."""

    def __init__(self, watched: Watchlist, passwords: Sequence[Secret] = ()) -> None:
        entries = (*watched.domains, *watched.addresses, *(f"{HOST_MARK}{host}" for host in watched.names))
        self._request = ReadRequest(watched=entries, scan=True, passwords=tuple(passwords))
        self._reader: LeakReader | None = None

    def scan(self, source: Path | BinaryIO, name: str, done: Done) -> Iterator[tuple[Origin, Found]]:
        if self._reader is None:
            self._reader = LeakReader(self._request)
        state = _Parts(done)
        for event in self._reader.read(source, name):
            if found := state.take(event):
                yield found

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


class _Parts:
    """Follows the events of one container, part by part."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self._origin = Origin("")
        self._counting = Counting(Tally())

    def take(self, event: LeakEvent) -> tuple[Origin, Found] | None:
        if isinstance(event, PartStarted):
            self._origin = Origin(event.name, event.machine)
            self._counting = Counting(Tally())
        elif isinstance(event, PartSkipped):
            self._done.skipped.append(SkippedPart(event.name, event.reason))
        elif isinstance(event, ParsedCredential | Reject):
            self._counting.note(event)
            return self._origin, event
        elif isinstance(event, PartFinished):
            self._finish(event)
        return None

    def _finish(self, event: PartFinished) -> None:
        tally = self._counting.tally
        tally.bytes, tally.lines = event.counts.bytes, event.counts.lines
        self._done.tally.add(tally)
        if event.cut is not None:
            self._done.failed.append(Failed(self._origin.name, event.cut.label))
