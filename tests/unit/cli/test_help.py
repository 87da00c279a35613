"""Help is quick: asking for it imports neither Django nor anything that talks to a database."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from emberwatch import __version__

PROGRAM = """
import io, json, sys
from contextlib import redirect_stdout
from emberwatch.cli.main import main
shown = io.StringIO()
with redirect_stdout(shown):
    code = main(sys.argv[1:])
print(json.dumps({"code": code, "shown": shown.getvalue(), "modules": sorted(sys.modules)}))
"""
SLOW = (
    "django",
    "psycopg",
    "cryptography",
    "httpx",
    "msal",
    "procrastinate",
    "granian",
    "emberwatch.simulator",
)


def asked(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "src"},
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "arguments", [(), ("--help",), ("--version",), ("demo", "--help"), ("entra", "connect", "--help")]
)
def test_help_imports_little(arguments: tuple[str, ...]) -> None:
    found = asked(*arguments)
    assert found["code"] == 0
    assert found["shown"]
    # A command that is named is loaded alone; a list of all needs all of them.
    named = "entra" if arguments[:1] == ("entra",) else "demo.command"
    assert f"emberwatch.cli.{named}" in found["modules"]
    assert [name for name in SLOW if name in found["modules"]] == []


def test_the_names_are_those_of_the_design() -> None:
    commands = {
        line.split()[0] for line in asked("--help")["shown"].split("Commands:")[1].splitlines() if line
    }
    assert commands >= {"demo", "serve", "worker", "migrate", "tenant", "entra", "import", "validate"}
    assert commands >= {"credentials", "audit", "token", "user", "scan"}
    assert asked("--version")["shown"] == f"emberwatch {__version__}\n"
