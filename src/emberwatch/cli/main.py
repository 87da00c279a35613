"""The ``emberwatch`` command: exit 0 done, 1 failed, 2 bad input, 130 interrupted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from emberwatch import __version__
from emberwatch.cli import (
    audit,
    entra,
    feed,
    imports,
    migrate,
    people,
    serve,
    stopping,
    tenant,
    validate,
    worker,
)
from emberwatch.cli.demo.command import demo
from emberwatch.cli.failures import ERRORS, EXIT_INTERRUPTED, report

app = typer.Typer(
    name="emberwatch",
    help="Tells which leaked credentials still work in your own Microsoft Entra ID.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("migrate")(migrate.migrate)
app.add_typer(tenant.app, name="tenant")
app.add_typer(entra.app, name="entra")
app.command("import")(imports.import_leaks)
app.command("validate")(validate.validate)
app.add_typer(stopping.app, name="validation")
app.command("credentials")(feed.credentials)
app.add_typer(audit.app, name="audit")
app.add_typer(people.tokens, name="token")
app.add_typer(people.users, name="user")


@app.callback(invoke_without_command=True)
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
        outcome = app(arguments, prog_name="emberwatch", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except ERRORS as error:
        return report(error)
    return outcome if isinstance(outcome, int) else 0


if __name__ == "__main__":
    sys.exit(main())
