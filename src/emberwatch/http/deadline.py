"""Ends connections that take too long as a whole, which time limits of single reads do not notice."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Deadline:
    """Every connection that is watched under it is shut when its time is over, whoever is reading from it then."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._held: list[socket.socket] = []
        self._holding = threading.Lock()
        self.is_over = False

    def watch(self, connection: socket.socket) -> None:
        """Holds on to the connection itself: wrapping it into TLS takes it away from its first owner."""
        with self._holding:
            self._held.append(connection.dup())
            if self.is_over:
                self._shut()

    def _end(self) -> None:
        with self._holding:
            self.is_over = True
            self._shut()

    def _shut(self) -> None:
        for held in self._held:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._holding:
            for held in self._held:
                held.close()
            self._held.clear()
