"""What kind of container a file is, by its first bytes and never by its name."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    ZIP = "zip"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    TAR = "tar"
    GZ = "gz"
    BZ2 = "bz2"
    XZ = "xz"
    ZST = "zst"


STREAM_KINDS: Final = frozenset({Kind.GZ, Kind.BZ2, Kind.XZ, Kind.ZST})
"""One file, compressed, without a name; often a tar."""

_SIGNATURES: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"PK\x07\x08", Kind.ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"\x1f\x8b\x08", Kind.GZ),
    (b"\xfd7zXZ\x00", Kind.XZ),
    (b"\x28\xb5\x2f\xfd", Kind.ZST),
)
_BZ2: Final = (b"1AY&SY", b"\x17rE8P\x90")
_TAR: Final = (257, b"ustar")


def container_kind(head: bytes) -> Kind | None:
    """The kind of container that begins with ``head``, if it is one."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    # "BZh" alone may begin a text; a block or the end of the stream follows it.
    if head.startswith(b"BZh") and head[4:10] in _BZ2:
        return Kind.BZ2
    at, mark = _TAR
    return Kind.TAR if head[at : at + len(mark)] == mark else None
