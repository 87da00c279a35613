"""Processes of our own that must not outlive us: they end when the pipe to them closes, however we die."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

STOP_SECONDS: Final = 40


class Child:
    """``emberwatch COMMAND …`` as a process that lives as long as this object is entered, and no longer."""

    def __init__(self, *arguments: str, log: Path | None = None, module: str = "emberwatch.cli.main") -> None:
        self._command = [sys.executable, "-m", module, *arguments, "--attached"]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Child:
        if self._log is None:
            self._start(None)
        else:
            with self._log.open("ab") as errors:
                self._start(errors)
        return self

    def _start(self, errors: IO[Any] | None) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # Ctrl-C reaches us alone; we then stop the child in order.
            start_new_session=True,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()

    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None
