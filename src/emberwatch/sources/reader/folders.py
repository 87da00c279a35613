"""Work folders of reader processes: held as long as either of the two processes lives, and cleared away afterwards."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

PREFIX: Final = "emberwatch-reader-"
_YOUNG: Final = 60.0
"""Seconds within which a folder may not be held yet by whoever has just made it."""


class WorkFolder:
    """A folder with a lock that goes with the last process that has its handle."""

    def __init__(self) -> None:
        clear_abandoned()
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self.handle = os.open(self.name, os.O_RDONLY | os.O_DIRECTORY)
        """To be passed on to the reader, which need not know of it."""
        fcntl.flock(self.handle, fcntl.LOCK_SH)

    @property
    def name(self) -> str:
        return self._folder.name

    def cleanup(self) -> None:
        os.close(self.handle)
        self._folder.cleanup()


def clear_abandoned() -> int:
    """Removes the folders of readers that were killed together with their service, and says how many."""
    return sum(_cleared(path) for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


def _cleared(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or time.time() - status.st_mtime < _YOUNG:
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
