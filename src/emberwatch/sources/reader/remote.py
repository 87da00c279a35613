"""A file that lives in the service: sealed, or far away. The reader asks for the pieces it needs."""

from __future__ import annotations

import io
import os
from typing import Final

from emberwatch.sources.reader.channel import Channel, Closed
from emberwatch.sources.reader.wire import Need, Tag, encode

MAX_PIECE: Final = 1024 * 1024


class RemoteFile(io.RawIOBase):
    """Read-only and seekable."""

    def __init__(self, channel: Channel, size: int) -> None:
        self._channel = channel
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        length = min(len(buffer), MAX_PIECE, self._size - self._at)
        if length <= 0:
            return 0
        self._channel.send(Tag.NEED, encode(Need(self._at, length)))
        tag, data = self._channel.receive()
        if tag is not Tag.DATA:
            raise Closed
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
