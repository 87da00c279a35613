"""Files that only their owner may read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def private_file(path: Path, make: Callable[[], str]) -> str:
    """The text of a file that only its owner may read; made once, also when several processes start at once."""
    if not path.exists():
        _create_private(path, make())
    return path.read_text(encoding="ascii").strip()


def _create_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
