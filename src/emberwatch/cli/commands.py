"""Every command, and how it is found by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Final

import typer

from emberwatch import __version__

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "demo.command:demo",
    "serve": "serve:serve",
    "worker": "worker:worker",
    "migrate": "migrate:migrate",
    "tenant": "tenant:app",
    "entra": "entra:app",
    "scan": "scan_listed:scan",
    "import": "imports:import_leaks",
    "imports": "import_history:app",
    "identities": "identities:identities",
    "identity": "identities:identity",
    "machines": "machines:machines",
    "cookies": "machines:cookies",
    "validate": "validate:validate",
    "validation": "stopping:app",
    "run": "runs:app",
    "attempts": "ledger:attempts",
    "case": "case:case",
    "remediate": "remediate:remediate",
    "alerts": "alerts:app",
    "close": "closings:close",
    "reopen": "closings:reopen",
    "credentials": "feed:credentials",
    "audit": "audit:app",
    "token": "people:tokens",
    "user": "people:users",
}
"""Each command, or group of commands, with its module below ``emberwatch.cli`` and its name there."""


def command_line(only: str | None = None) -> typer.Typer:
    """All commands, or the one that is about to run: it need not wait for the others to be loaded."""
    line = typer.Typer(
        name="emberwatch",
        help="Tells which leaked credentials still work in your own Microsoft Entra ID.",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    line.callback(invoke_without_command=True)(_root)
    for name in (only,) if only and only in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f"emberwatch.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            line.add_typer(command, name=name)
        else:
            line.command(name)(command)
    return line


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"emberwatch {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(given: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    line = command_line(given[0] if given else None)
    try:
        outcome = line(list(given), prog_name="emberwatch", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    return outcome if isinstance(outcome, int) else 0
