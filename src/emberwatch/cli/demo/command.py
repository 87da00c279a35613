"""``emberwatch demo``: the command itself."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from emberwatch.cli.address import DEFAULT_HOST, DEFAULT_PORT
from emberwatch.cli.failures import EXIT_FAILED
from emberwatch.cli.ports import require_free
from emberwatch.cli.start import start

# One job at a time in each: threads of one process would only take turns.
WORKERS: Final = 2


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Keep everything in this folder.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the pages.")] = DEFAULT_PORT,
) -> None:
    """Run the whole product on made-up data: simulated Entra ID, sample leaks, verdicts, then the pages.

    Everything stays on this machine and is gone at the end, unless a folder is named.
    """
    if not once:
        require_free(DEFAULT_HOST, port)
    from emberwatch.cli.demo import place, scenario
    from emberwatch.core.clock import utc_now
    from emberwatch.simulator import SimulatedEntra

    home, now = place.take(data_dir), utc_now()
    world = scenario.companies(now)
    typer.echo("Starting a database, two workers and a simulated Entra ID with two directories …")
    with SimulatedEntra(scenario.scenario(world, now)) as entra, ExitStack() as stack:
        place.settle(home, entra)
        # They come up beside us while the database is made: that saves a second or two.
        workers = [stack.enter_context(home.child("worker", "--concurrency", "1")) for _ in range(WORKERS)]
        start()
        from emberwatch.cli.demo.run import Demo

        run = Demo(home, world, entra, now)
        is_fresh = not home.is_complete
        if is_fresh:
            run.fill(workers)
        wrong = run.report(is_fresh=is_fresh)
        for sentence in wrong:
            typer.echo(f"emberwatch: {sentence}.", err=True)
        if once:
            raise typer.Exit(EXIT_FAILED if wrong else 0)
        run.serve(port, workers)
