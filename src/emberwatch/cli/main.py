"""The ``emberwatch`` command: exit 0 done, 1 failed, 2 bad input, 130 interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Final

import typer

from emberwatch import __version__
from emberwatch.cli.failures import ERRORS, EXIT_INTERRUPTED, report

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "demo.command:demo",
    "serve": "serve:serve",
    "worker": "worker:worker",
    "migrate": "migrate:migrate",
    "tenant": "tenant:app",
    "entra": "entra:app",
    "scan": "scan:scan",
    "import": "imports:import_leaks",
    "validate": "validate:validate",
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
    for name in (only,) if only in COMMANDS else COMMANDS:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; whatever goes wrong becomes one line on standard error."""
    if arguments is None:
        # Leaving by an exception lets the embedded database stop with its last user.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        app = command_line(given[0] if given else None)
        outcome = app(given, prog_name="emberwatch", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except ERRORS as error:
        return report(error)
    return outcome if isinstance(outcome, int) else 0


if __name__ == "__main__":
    sys.exit(main())
