"""Shows how far a scan is, on a terminal alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Show: TypeAlias = Callable[[int, int], None]
"""Bytes done and credentials found so far."""


@contextmanager
def progress(total: int) -> Iterator[Show]:
    """``total`` bytes are expected; 0 when nobody knows."""
    if not sys.stderr.isatty():
        yield lambda _bytes, _found: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    found = TextColumn("{task.fields[found]:,} found")
    with Progress(*columns, found, console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task("scan", total=total or None, found=0)
        yield lambda done, matched: drawn.update(task, completed=done, found=matched)
