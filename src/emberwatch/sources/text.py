"""Whether bytes are text at all."""

from __future__ import annotations

from typing import Final

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS: Final = bytes(i for i in range(32) if i not in b"\t\n\r\x0b\x0c\x1b")
_MOST_CONTROLS: Final = 0.05


def is_text(head: bytes) -> bool:
    # NULs are common dirt, so they alone make no file binary; a whole page of control bytes does.
    if head.startswith(_UTF16):
        return True
    bare = head.replace(b"\0", b"")
    return bool(bare) and len(bare) - len(bare.translate(None, _CONTROLS)) <= _MOST_CONTROLS * len(bare)
