"""``emberwatch demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Keep everything in this folder.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8600,
) -> None:
    """x"""
