"""``emberwatch scan`` in the list of all commands. Who types it is served without this: see ``main``."""

from __future__ import annotations

import typer

from emberwatch.cli import scan as command


def scan(context: typer.Context) -> None:
    raise typer.Exit(command.scan(context.args))


scan.__doc__ = command.SUMMARY
