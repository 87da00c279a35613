"""``emberwatch worker``."""

from __future__ import annotations

from typing import Annotated

import typer

from emberwatch.cli.start import end_with_standard_input, start


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Jobs that run at the same time.")] = 4,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
) -> None:
    """Run background jobs: imports and validations. Any number of machines may run any number of workers."""
    if attached:
        end_with_standard_input()
    start(long_lived=True)
    from emberwatch.engine.worker import run_worker

    run_worker(concurrency=concurrency)
