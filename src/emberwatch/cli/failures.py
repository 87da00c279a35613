"""From an error to one line on standard error and an exit code."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from emberwatch.core.errors import BadInput, EmberwatchError, NotFound

EXIT_FAILED: Final = 1
EXIT_BAD_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130
ERRORS: Final = (Exception,)
LOG_NAME: Final = "errors.log"


def report(error: Exception) -> int:
    """Prints what happened and what to do, and returns the exit code."""
    line, code = _explained(error)
    print(f"emberwatch: {line}", file=sys.stderr)  # noqa: T201 - the one line
    return code


def _explained(error: Exception) -> tuple[str, int]:
    if isinstance(error, EmberwatchError):
        return str(error), EXIT_BAD_INPUT if isinstance(error, BadInput | NotFound) else EXIT_FAILED
    if usage := _usage(error):
        return usage
    if isinstance(error, BrokenPipeError):
        return _without_reader()
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}.", EXIT_FAILED
    if type(error).__name__ == "OperationalError":
        remedy = "Check that PostgreSQL runs and that EMBERWATCH_DATABASE_URL leads to it."
        return f"The database does not answer. {remedy}", EXIT_FAILED
    return f"This should not happen ({type(error).__name__}). {_written_down(error)}", EXIT_FAILED


def _usage(error: Exception) -> tuple[str, int] | None:
    """For a command that was typed wrong. Not every command loads the library that says so."""
    if "typer" not in sys.modules:
        return None
    import typer

    if not isinstance(error, typer.TyperException):
        return None
    context = getattr(error, "ctx", None)
    explained = f" `{context.command_path} --help` explains." if context else ""
    return f"{error.format_message().rstrip('.')}.{explained}", error.exit_code


def _without_reader() -> tuple[str, int]:
    # Whoever reads our output (`head`) has gone: nothing more can be said there, at exit neither.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return "Nobody reads the output any more.", EXIT_FAILED


def _written_down(error: Exception) -> str:
    """Writes where it happened into a log: files and lines only, because a message may quote a secret."""
    from emberwatch.config.environment import load

    try:
        log = load().data_dir / LOG_NAME
        _append(log, f"{datetime.now(UTC).isoformat()} {_place(error)}")
    except (EmberwatchError, OSError):
        return ""
    return f"{log} says where."


def _place(error: Exception) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join([type(error).__name__, *lines, ""])


def _append(log: Path, text: str) -> None:
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(text)
