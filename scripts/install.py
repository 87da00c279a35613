"""Puts the pinned packages and the launcher into .venv. The standard library only: it runs before anything is there.

A stamp file, written last, says what is installed: ``.venv/.base-<digest>`` or ``.venv/.dev-<digest>``.
"""

from __future__ import annotations

import compileall
import fcntl
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
STARTED: Final = VENV / ".started"
REQUIREMENTS: Final = {"base": ("base.txt",), "dev": ("base.txt", "dev.txt")}
# The launcher is shell and Python at once: it finds its Python beside itself, wherever the folder is moved to.
LAUNCHER: Final = """\
#!/bin/sh
'''exec' "$(dirname -- "$(readlink -f -- "$0")")/python" "$0" "$@"
' '''
import sys

from emberwatch.cli.main import main

sys.exit(main())
"""


def is_fresh(kind: str) -> bool:
    satisfying = ("base", "dev") if kind == "base" else (kind,)
    return not STARTED.exists() and any(_stamp(each).exists() for each in satisfying)


def make_venv() -> None:
    """Makes the folder anew unless it holds a working Python and no half-done installation."""
    if STARTED.exists() or not _works():
        # pip comes after the mark, so that a half-copied pip is never taken for a whole one.
        _run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV))
        STARTED.touch()
        _run(str(PYTHON), "-m", "ensurepip", "--default-pip", output=subprocess.DEVNULL)


def _works() -> bool:
    if not PYTHON.exists():
        return False
    question = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return (
        subprocess.run([str(PYTHON), "-c", question], stderr=subprocess.DEVNULL, check=False).returncode == 0
    )


def install(kind: str) -> None:
    """Runs inside .venv's own Python."""
    for stamp in (*VENV.glob(".base-*"), *VENV.glob(".dev-*")):
        stamp.unlink()
    STARTED.touch()
    if any(_packages().glob("emberwatch-*.dist-info")):
        _pip("uninstall", "--yes", "emberwatch")
    _pip(
        *("install", "--require-hashes", "--only-binary", ":all:"),
        *("--requirement", str(ROOT / "requirements" / f"{kind}.txt")),
    )
    _add_project()
    STARTED.unlink()
    _stamp(kind).touch()


def _add_project() -> None:
    # Relative, so that a folder that is moved or copied with its .venv still finds its own sources.
    source = os.path.relpath(ROOT / "src", _packages())
    (_packages() / "emberwatch.pth").write_text(f"{source}\n", encoding="utf-8")
    launcher = VENV / "bin" / "emberwatch"
    launcher.write_text(LAUNCHER, encoding="utf-8")
    launcher.chmod(0o755)
    # As pip does for what it installs: compiling at each start takes longer than many a command.
    compileall.compile_dir(ROOT / "src", quiet=2)


def _packages() -> Path:
    return VENV / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def _stamp(kind: str) -> Path:
    digest = hashlib.sha256(platform.python_version().encode())
    for path in (Path(__file__), *(ROOT / "requirements" / name for name in REQUIREMENTS[kind])):
        digest.update(path.read_bytes())
    return VENV / f".{kind}-{digest.hexdigest()[:16]}"


def _pip(*arguments: str) -> None:
    _run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq", *arguments)


def _run(*command: str, output: int | None = None) -> None:
    code = subprocess.run(command, stdout=output, check=False).returncode
    if code != 0:
        sys.exit(f"Could not make .venv: {' '.join(command[1:4])} ended with {code}; see above.")


def main(kind: str, step: str = "") -> int:
    """Without a step: waits its turn, makes .venv with this Python, and hands over to the one in it."""
    if step == "--is-fresh":
        return 0 if is_fresh(kind) else 1
    if step == "--inside":
        if not is_fresh(kind):
            sys.stderr.write(
                f"Installing into .venv (Python {platform.python_version()}); this takes a minute …\n"
            )
            install(kind)
        return 0
    turn = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(turn, fcntl.LOCK_EX)
    make_venv()
    return subprocess.run([str(PYTHON), __file__, kind, "--inside"], check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
