"""Turns a library that pushes data into one that is read from, with a thread and a short queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

_PIECES: Final = 4
_PIECE: Final = 1024 * 1024

Put: TypeAlias = Callable[[int, bytes], None]
"""Hands over some bytes of the file with that number."""


class _Stopped(Exception):
    """Nobody wants the rest."""


class Pump:
    """Runs ``work`` aside; it is handed a function to give pieces to. ``close`` must be called in the end."""

    def __init__(self, work: Callable[[Put], None]) -> None:
        self._queue: queue.Queue[tuple[int, bytes] | None] = queue.Queue(_PIECES)
        self._stopped = threading.Event()
        self._work = work
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        while (piece := self._queue.get()) is not None:
            yield piece

    def close(self) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.01)
            except queue.Empty:
                continue

    def _run(self) -> None:
        try:
            self._work(self._put)
        except _Stopped:
            pass
        except BaseException as error:
            self.error = error
        self._queue.put(None)

    def _put(self, number: int, data: bytes) -> None:
        for at in range(0, len(data), _PIECE):
            if self._stopped.is_set():
                raise _Stopped
            self._queue.put((number, data[at : at + _PIECE]))
