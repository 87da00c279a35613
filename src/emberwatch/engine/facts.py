"""Facts: what services announce, and the jobs that the pipeline's table defers for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

FactHandler: TypeAlias = Callable[..., None]
"""Defers one job for a fact. Its keyword arguments are ids and plain values, never a secret."""

_installed: Final[dict[str, Sequence[FactHandler]]] = {}


def install(table: Mapping[str, Sequence[FactHandler]]) -> None:
    """Makes a table of fact → handlers the one in force; the pipeline does so when the application starts."""
    _installed.clear()
    _installed.update(table)


def announce(fact: str, **payload: Any) -> None:
    """Tells the pipeline that something has happened.

    Jobs are deferred in the caller's transaction: they exist if and only if the fact does. A fact that the
    table does not name is a mistake in the code and raises ``KeyError``.
    """
    for handler in _installed[fact]:
        handler(**payload)
