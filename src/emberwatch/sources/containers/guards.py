"""The limits that hold whatever a container claims: bytes, ratio, number of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from emberwatch.sources.base import CutShort, SkipReason

MAX_DEPTH: Final = 3
"""Containers within containers; a compressed tar counts as one."""
MAX_ENTRIES: Final = 200_000
MAX_UNPACKED: Final = 256 * 1024**3
MAX_RATIO: Final = 200
RATIO_FROM: Final = 10 * 1024**2
"""What unpacks to less than this is too small to do harm, however well it was packed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one leak, with everything that is nested in it."""

    depth: int = MAX_DEPTH
    entries: int = MAX_ENTRIES
    unpacked: int = MAX_UNPACKED
    ratio: int = MAX_RATIO
    ratio_from: int = RATIO_FROM


DEFAULT_LIMITS: Final = Limits()


class Guard:
    """Counts what one leak has cost so far, and stops it at its limits."""

    __slots__ = ("_entries", "_limits", "_on_bytes", "_packed", "_unpacked")

    def __init__(
        self, packed: int, limits: Limits = DEFAULT_LIMITS, on_bytes: Callable[[int], None] | None = None
    ) -> None:
        self._packed = packed
        self._limits = limits
        self._on_bytes = on_bytes
        self._entries = self._unpacked = 0

    def count_entry(self) -> None:
        self._entries += 1
        if self._entries > self._limits.entries:
            raise CutShort(SkipReason.TOO_MANY_ENTRIES)

    def check_count(self, number: int) -> None:
        """Of one container, before it counts for the whole leak."""
        if self._entries + number > self._limits.entries:
            raise CutShort(SkipReason.TOO_MANY_ENTRIES)

    def check_solid(self, claimed: int, packed: int) -> None:
        """Where files can only be had by unpacking all before them, their sum decides for all of them."""
        if claimed > self._limits.unpacked:
            raise CutShort(SkipReason.TOO_MUCH_DATA)
        if self._swells(claimed, packed):
            raise CutShort(SkipReason.SUSPICIOUS_RATIO)

    def alive(self, size: int) -> None:
        """So many bytes were unpacked, wanted or not."""
        if self._on_bytes:
            self._on_bytes(size)

    def why_not(self, size: int, packed: int) -> SkipReason | None:
        """What forbids an entry by the sizes that are claimed for it."""
        if self._unpacked + size > self._limits.unpacked:
            return SkipReason.TOO_MUCH_DATA
        return SkipReason.SUSPICIOUS_RATIO if packed and self._swells(size, packed) else None

    def given(self, chunks: Iterator[bytes], packed: int = 0) -> Iterator[bytes]:
        """An entry's bytes on their way to whoever reads them; they count for the whole leak."""
        for chunk in self.inflated(chunks, packed or self._packed):
            self._unpacked += len(chunk)
            if self._unpacked > self._limits.unpacked:
                raise CutShort(SkipReason.TOO_MUCH_DATA)
            if self._swells(self._unpacked, self._packed):
                raise CutShort(SkipReason.SUSPICIOUS_RATIO)
            yield chunk

    def inflated(self, chunks: Iterator[bytes], packed: int) -> Iterator[bytes]:
        """Bytes that are unpacked on the way to something inside them."""
        size = 0
        for chunk in chunks:
            size += len(chunk)
            self.alive(len(chunk))
            if size > self._limits.unpacked:
                raise CutShort(SkipReason.TOO_MUCH_DATA)
            if self._swells(size, packed):
                raise CutShort(SkipReason.SUSPICIOUS_RATIO)
            yield chunk

    def _swells(self, size: int, packed: int) -> bool:
        return size > self._limits.ratio_from and size > self._limits.ratio * max(packed, 1)
