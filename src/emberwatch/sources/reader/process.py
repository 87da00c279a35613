"""The service's side of the reader process: starts it, serves it bytes, takes its events, and survives its death."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, Final

from emberwatch.sources.base import SkipReason
from emberwatch.sources.events import LeakEvent, ReadRequest
from emberwatch.sources.reader.channel import Channel, Closed
from emberwatch.sources.reader.exits import why_it_died
from emberwatch.sources.reader.folders import WorkFolder
from emberwatch.sources.reader.limits import CPU_SECONDS
from emberwatch.sources.reader.mark import Mark
from emberwatch.sources.reader.remote import MAX_PIECE
from emberwatch.sources.reader.wire import (
    BadFrame,
    Order,
    Setup,
    Tag,
    decode_events,
    decode_need,
    encode,
)

PATIENCE: Final = 120.0
"""Seconds without any sign of life after which the reader counts as stuck."""
_MODULE: Final = "emberwatch.sources.reader.child"


class ReaderDied(Exception):
    """The process is gone. ``index`` is the part that it was looking at, ``None`` before the first one."""

    def __init__(self, reason: SkipReason, index: int | None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.index = index


class ReaderProcess:
    """One child process; reads archives one after the other until it dies or is closed."""

    def __init__(
        self, request: ReadRequest, *, patience: float = PATIENCE, cpu_seconds: int = CPU_SECONDS
    ) -> None:
        self._patience = patience
        self._folder = WorkFolder()
        with contextlib.ExitStack() as ours:
            ours.callback(self._folder.cleanup)
            self._start()
            ours.pop_all()
        try:
            self._channel.send(Tag.SETUP, encode(Setup(request, cpu_seconds)))
        except Closed:
            raise self._died() from None

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile(dir=self._folder.name) as shared:
            shared.truncate(Mark.SIZE)
            self._mark = Mark(mmap.mmap(shared.fileno(), Mark.SIZE))
            self._mark.clear()
            handles = (theirs.fileno(), shared.fileno())
            # The folder's handle goes along so that the folder is held by the reader too.
            # No environment: it holds keys and addresses that the reader must not know.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", "-m", _MODULE, *map(str, handles), self._folder.name],
                pass_fds=(*handles, self._folder.handle),
                env={},
                cwd=self._folder.name,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._channel = Channel(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def read(
        self, file: BinaryIO, size: int, name: str, skip_parts: int, avoid: dict[int, SkipReason]
    ) -> Iterator[LeakEvent]:
        """Events of one archive; raises :class:`ReaderDied` where they end before its end."""
        try:
            self._order(file, Order(name, size, _is_plain(file), skip_parts, avoid))
            while (frame := self._channel.receive(self._patience))[0] is not Tag.DONE:
                yield from self._taken(frame, file)
        except Closed:
            raise self._died() from None
        except TimeoutError:
            raise self._died(SkipReason.READER_STUCK) from None
        except BadFrame:
            raise self._died(SkipReason.READER_CRASHED) from None

    def close(self) -> None:
        """Ends the process, whatever it is doing, and removes its folder."""
        self._channel.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._mark.close()
        self._folder.cleanup()

    def _order(self, file: BinaryIO, order: Order) -> None:
        self._mark.clear()
        self._channel.send(Tag.OPEN, encode(order))
        if order.by_handle:
            file.seek(0)
            self._channel.send_handle(file.fileno())

    def _taken(self, frame: tuple[Tag, bytes], file: BinaryIO) -> Iterator[LeakEvent]:
        tag, payload = frame
        if tag is Tag.NEED:
            self._channel.send(Tag.DATA, _piece(file, payload))
        elif tag is not Tag.ALIVE:
            yield from decode_events(tag, payload)

    def _died(self, reason: SkipReason | None = None) -> ReaderDied:
        index = self._mark.index
        if reason is not None:
            self.close()
            return ReaderDied(reason, index)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.poll()
        self.close()
        return ReaderDied(SkipReason.READER_CRASHED if code is None else why_it_died(code), index)


def _piece(file: BinaryIO, payload: bytes) -> bytes:
    need = decode_need(payload)
    if not 0 < need.length <= MAX_PIECE or need.at < 0:
        raise BadFrame("need")
    file.seek(need.at)
    return file.read(need.length)


def _is_plain(file: BinaryIO) -> bool:
    """Whether the file's handle gives the very bytes that the file gives: no seal, no cache, no wrapper."""
    return isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO) and _seeks(file.fileno())


def _seeks(handle: int) -> bool:
    try:
        os.lseek(handle, 0, os.SEEK_CUR)
    except OSError:
        return False
    return True
