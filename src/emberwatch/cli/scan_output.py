"""Where findings go: a file that only its owner may read, or standard output."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from emberwatch.cli.scan_records import ending
from emberwatch.core.errors import BadInput
from emberwatch.sources.scan.tasks import Origin, Row

_HELD: Final = frozenset({signal.SIGINT, signal.SIGTERM})


class Output:
    """Takes whole lines, and gives whole lines away, whenever it is interrupted."""

    def __init__(self, file: BinaryIO, found: os.stat_result | None) -> None:
        self._file = file
        self.found = found
        """What names the file, so that it is not scanned itself."""

    def write(self, origin: Origin, rows: list[Row], shift: int) -> None:
        end = ending(origin)
        lines = b"".join([b"%b%d%b" % (before, line + shift, end) for line, before in rows])
        with _uninterrupted():
            self._file.write(lines)
            self._file.flush()


@contextmanager
def open_output(path: Path | None) -> Iterator[Output]:
    if path is None or str(path) == "-":
        yield Output(sys.stdout.buffer, None)
        return
    with os.fdopen(_private(path), "wb") as file:
        yield Output(file, os.fstat(file.fileno()))


def _private(path: Path) -> int:
    """Opens the file for this user alone, emptied; no moment sees it open to others, and no link is followed."""
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600
        )
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise BadInput(f"{path} cannot be written: {reason}.", field="output") from None
    try:
        _make_private(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _make_private(path: Path, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if path.resolve() == Path(os.devnull):
        return
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise BadInput(f"{path} is no plain file of its own.", field="output")
    if found.st_uid != os.geteuid():
        raise BadInput(f"{path} belongs to somebody else.", field="output")
    os.fchmod(descriptor, 0o600)
    os.ftruncate(descriptor, 0)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
