"""Frames over a socket: four bytes of length, one of tag, then the payload."""

from __future__ import annotations

import socket
import struct
from typing import Final

from emberwatch.sources.reader.wire import BadFrame, Tag

MAX_FRAME: Final = 32 * 1024**2
_HEADER: Final = struct.Struct(">IB")
_RECEIVE: Final = 1024 * 1024


class Closed(Exception):
    """The other side is gone."""


class Channel:
    """One end of the pipe; used by one thread."""

    __slots__ = ("_buffer", "_socket")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._buffer = bytearray()

    def send(self, tag: Tag, payload: bytes = b"") -> None:
        try:
            self._socket.sendall(_HEADER.pack(len(payload), tag) + payload)
        except (BrokenPipeError, ConnectionError):
            raise Closed from None

    def receive(self, timeout: float | None = None) -> tuple[Tag, bytes]:
        """The next frame; raises :class:`TimeoutError` when nothing at all came for that long."""
        self._fill(_HEADER.size, timeout)
        length, number = _HEADER.unpack(self._take(_HEADER.size))
        if length > MAX_FRAME:
            raise BadFrame("too long")
        self._fill(length, timeout)
        try:
            return Tag(number), self._take(length)
        except ValueError:
            raise BadFrame("unknown") from None

    def send_handle(self, handle: int) -> None:
        socket.send_fds(self._socket, [b"F"], [handle])

    def receive_handle(self) -> int:
        if self._buffer:
            raise BadFrame("not expected")
        _, handles, _, _ = socket.recv_fds(self._socket, 1, 1)
        if not handles:
            raise Closed
        return handles[0]

    def close(self) -> None:
        self._socket.close()

    def _fill(self, length: int, timeout: float | None) -> None:
        self._socket.settimeout(timeout)
        try:
            while len(self._buffer) < length:
                # No more than is needed: a file handle may come behind a frame.
                data = self._socket.recv(min(_RECEIVE, length - len(self._buffer)))
                if not data:
                    raise Closed
                self._buffer += data
        except ConnectionError:
            raise Closed from None
        finally:
            self._socket.settimeout(None)

    def _take(self, length: int) -> bytes:
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        return data
