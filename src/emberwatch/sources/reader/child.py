"""The reader process itself: takes orders, reads one archive after the other, sends events.

Started as ``python -I -m emberwatch.sources.reader.child SOCKET MARK FOLDER``. It loads no Django, has no
environment and no secrets but the archive passwords, and ends when its service does.
"""

from __future__ import annotations

import io
import mmap
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, cast

from emberwatch.parsing.base import ParsedCredential
from emberwatch.parsing.cookies import ParsedCookie
from emberwatch.sources.containers.base import Source
from emberwatch.sources.containers.kinds import container_kind
from emberwatch.sources.containers.passwords import ArchivePasswords
from emberwatch.sources.containers.scratch import Scratch
from emberwatch.sources.events import LeakEvent, PartFinished, PartProgress, PartSkipped
from emberwatch.sources.files import beginning
from emberwatch.sources.reader.channel import Channel, Closed
from emberwatch.sources.reader.exits import Exit
from emberwatch.sources.reader.limits import CpuAllowance, tie_down
from emberwatch.sources.reader.mark import Mark
from emberwatch.sources.reader.remote import RemoteFile
from emberwatch.sources.reader.wire import Order, Setup, Tag, decode_order, decode_setup, encode_events
from emberwatch.sources.reading import LeakReading
from emberwatch.sources.walk import Walk

_MOST_EVENTS: Final = 512
_MOST_BYTES: Final = 512 * 1024
_SECONDS: Final = 0.5
_BUFFER: Final = 256 * 1024


def main() -> None:
    connected, mark, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    tie_down()
    with socket.socket(fileno=connected) as pipe:
        code = _serve(Channel(pipe), Mark(mmap.mmap(mark, Mark.SIZE)), folder)
    # Without the interpreter's own clean-up: threads of a library may still stand somewhere in foreign data.
    os._exit(code)


def _serve(channel: Channel, mark: Mark, folder: Path) -> int:
    try:
        tag, payload = channel.receive()
        if tag is Tag.SETUP:
            Reader(channel, mark, folder, decode_setup(payload)).serve()
    except Closed:
        # Whoever started us is gone, and so nobody else will clear this away.
        shutil.rmtree(folder, ignore_errors=True)
        return Exit.DONE
    except MemoryError:
        return Exit.MEMORY
    except BaseException:
        return Exit.FAULT
    return Exit.DONE


class Reader:
    """Serves orders until the pipe closes."""

    def __init__(self, channel: Channel, mark: Mark, folder: Path, setup: Setup) -> None:
        self._channel = channel
        self._mark = mark
        self._folder = folder
        self._request = setup.request
        self._allowance = CpuAllowance(setup.cpu_seconds)
        self._outbox = Outbox(channel)
        self._passwords = ArchivePasswords(setup.request.passwords, self._tried)

    def serve(self) -> None:
        while True:
            tag, payload = self._channel.receive()
            if tag is Tag.OPEN:
                self._read(decode_order(payload))

    def _read(self, order: Order) -> None:
        self._allowance.begin()
        self._mark.clear()
        with self._file(order) as file:
            for event in self._events(order, file):
                self._outbox.put(event, file)
        self._outbox.flush()
        self._channel.send(Tag.DONE)

    def _file(self, order: Order) -> BinaryIO:
        if order.by_handle:
            return os.fdopen(self._channel.receive_handle(), "rb", buffering=_BUFFER)
        return cast("BinaryIO", io.BufferedReader(RemoteFile(self._channel, order.size), _BUFFER))

    def _events(self, order: Order, file: BinaryIO) -> Iterator[LeakEvent]:
        path = f"/dev/fd/{file.fileno()}" if order.by_handle else ""
        kind = container_kind(beginning(file))
        if kind is None:
            return
        walk = Walk(
            scratch=Scratch(self._folder),
            reads_cookies=self._request.reads_cookies,
            passwords=self._passwords,
            avoid=order.avoid,
            looking=self._mark.set,
            on_bytes=self._unpacked,
        )
        reading = LeakReading(self._request)
        for index, opened in walk.parts(Source(file, order.size, path), kind, order.name):
            for event in reading.events(index, opened):
                if index >= order.skip_parts:
                    yield event

    def _unpacked(self, size: int) -> None:
        self._allowance.earn(size)
        self._outbox.alive()

    def _tried(self) -> None:
        """A password was tried, which takes its time on purpose."""
        self._unpacked(1024**2)


class Outbox:
    """Gathers events, and sends them when there are many, when they are old, and where a part ends that was
    sent in pieces: a part is either not known to the service at all, or known up to where the mark stands."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: list[LeakEvent] = []
        self._size = 0
        self._in_pieces = False
        self._sent_at = time.monotonic()

    def put(self, event: LeakEvent, file: BinaryIO) -> None:
        if isinstance(event, PartProgress):
            event = replace(event, position=file.tell())
        self._waiting.append(event)
        self._size += _weight(event)
        ended = isinstance(event, (PartFinished, PartSkipped))
        if self._is_full() or (ended and self._in_pieces):
            self.flush()
            self._in_pieces = not ended

    def alive(self) -> None:
        """A sign of life while there is nothing to say."""
        if time.monotonic() - self._sent_at > _SECONDS:
            self._channel.send(Tag.ALIVE)
            self._sent_at = time.monotonic()

    def flush(self) -> None:
        for tag, payload in encode_events(self._waiting):
            self._channel.send(tag, payload)
        self._waiting.clear()
        self._size = 0
        self._sent_at = time.monotonic()

    def _is_full(self) -> bool:
        return (
            len(self._waiting) >= _MOST_EVENTS
            or self._size >= _MOST_BYTES
            or time.monotonic() - self._sent_at > _SECONDS
        )


def _weight(event: LeakEvent) -> int:
    if isinstance(event, ParsedCredential):
        return 200 + len(event.login) + len(event.secret) + len(event.url) + len(event.application)
    if isinstance(event, ParsedCookie):
        return 200 + len(event.name) + len(event.value) + len(event.path)
    return len(getattr(event, "head", b"")) + 200


if __name__ == "__main__":
    main()
