"""How much of a rar of version 4 or older that was cut short is whole, block by block."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

_MARK: Final = b"Rar!\x1a\x07\x00"
_BLOCK: Final = struct.Struct("<HBHH")
_FILE: Final = 0x74
_HAS_DATA: Final = 0x8000


def whole_blocks(file: BinaryIO) -> int:
    """Where the last whole block ends; 0 when it is another kind of file."""
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(len(_MARK)) != _MARK:
        return 0
    at = len(_MARK)
    while (end := _end_of_block(file, at)) is not None and end <= size:
        at = end
    return at


def _end_of_block(file: BinaryIO, at: int) -> int | None:
    file.seek(at)
    head = file.read(_BLOCK.size + 4)
    if len(head) < _BLOCK.size:
        return None
    _, kind, flags, length = _BLOCK.unpack(head[: _BLOCK.size])
    if length < _BLOCK.size:
        return None
    has_data = kind == _FILE or flags & _HAS_DATA
    return int(at + length + (int.from_bytes(head[_BLOCK.size :], "little") if has_data else 0))
