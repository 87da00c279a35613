"""``emberwatch migrate``."""

from __future__ import annotations

import typer

from emberwatch.cli.start import prepare


def migrate() -> None:
    """Bring the database's tables to this version. Several machines may run it at once."""
    prepare()
    from emberwatch.cli.migrations import apply

    names = apply()
    for name in names:
        typer.echo(f"applied {name}")
    typer.echo(f"{len(names)} migrations applied." if names else "The database is up to date.")
