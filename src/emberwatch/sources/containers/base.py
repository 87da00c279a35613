"""What a container is to the one who walks through it, and how its bytes are had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from emberwatch.core.patterns import lazy
from emberwatch.sources.base import SkipReason

_CONTROLS: Final = lazy(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_PATH: Final = 512
# Nothing in it could be taken for more than a name; no part begins with a dot or is a drive.
_PLAIN: Final = lazy(
    r"(?=.{1,512}\Z)[A-Za-z0-9_\[][A-Za-z0-9_ \[\]().@-]*(?:/[A-Za-z0-9_\[][A-Za-z0-9_ \[\]().@-]*)*"
)


@dataclass(frozen=True, slots=True)
class Source:
    """The packed bytes of a container."""

    file: BinaryIO
    """Seekable."""
    size: int
    path: str = ""
    """Where a library that insists on a path can open the same bytes; empty when nowhere."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a container, before anybody decided what to do with it."""

    path: str
    """Within its container, forward slashes, safe to show."""
    size: int
    """Unpacked, as the container claims; 0 when it does not say."""
    packed: int
    """The most that it takes of its container; 0 when that is not known."""
    open: Callable[[], Iterator[bytes]]
    refusal: SkipReason | None = None
    """Why the container does not give it away, if so."""

    def chunks(self) -> Iterator[bytes]:
        return self.open()


class Container(Protocol):
    """One opened container."""

    def entries(self) -> Iterator[Entry]:
        """A pass over its files (no folders) in the container's order, which every pass repeats.

        Each entry has to be read, or not, before the next one is asked for. Raises
        :class:`~emberwatch.sources.base.CutShort` where the rest of the files cannot be had.
        """
        ...


def safe_path(name: str) -> str:
    """A member's name for showing: relative, forward slashes, no control or direction characters."""
    if _PLAIN.fullmatch(name):
        return name
    parts = _CONTROLS.sub("?", name).replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", ".", "..") and not re.fullmatch(r"[A-Za-z]:", part)]
    return "/".join(kept)[-_LONGEST_PATH:] or "unnamed"
