"""What holds remediation back and is kept by others: the kill switch, and the list of what is protected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

ProtectedPair: TypeAlias = tuple[str, str]
"""The kind (``account``, ``group`` or ``role``) and the value, in lower case."""


@dataclass(frozen=True, slots=True)
class Safeguards:
    why_stopped: Callable[[], str]
    """The reason of the kill switch while it is in force, or nothing."""
    protected_of: Callable[[UUID], frozenset[ProtectedPair]]
    """What any tenant protects in a directory."""


_installed: Final[list[Safeguards]] = []


def install(safeguards: Safeguards) -> None:
    """Makes these the ones in force; the pipeline does so when the application starts."""
    _installed[:] = [safeguards]


def safeguards() -> Safeguards:
    # Without them nothing may be changed: an empty list raises.
    return _installed[0]
