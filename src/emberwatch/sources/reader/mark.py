"""Where the reader stands, in four bytes that both processes see: they outlive a crash, and cost nothing."""

from __future__ import annotations

import mmap
import struct
from typing import Final

_NUMBER: Final = struct.Struct("<I")
_NOWHERE: Final = 0xFFFF_FFFF


class Mark:
    """The number of the part that is being looked at."""

    SIZE: Final = mmap.PAGESIZE

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory

    def set(self, index: int) -> None:
        _NUMBER.pack_into(self._memory, 0, index)

    def clear(self) -> None:
        self.set(_NOWHERE)

    @property
    def index(self) -> int | None:
        """``None`` while no part has been reached."""
        (index,) = _NUMBER.unpack_from(self._memory, 0)
        return None if index == _NOWHERE else int(index)

    def close(self) -> None:
        self._memory.close()
