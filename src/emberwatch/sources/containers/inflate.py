"""Decompressors behind one small interface: packed chunks in, unpacked chunks out, in bounded memory."""

from __future__ import annotations

import bz2
import lzma
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol, cast

from isal import isal_zlib

from emberwatch.sources.base import CutShort, Damaged, SkipReason

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STEP: Final = 256 * 1024
_LZMA_MEMORY: Final = 256 * 1024**2
_ZSTD_WINDOW: Final = {zstd.DecompressionParameter.window_log_max: 27}
_DAMAGE: Final = (
    # The stubs call the class an instance.
    cast("type[Exception]", isal_zlib.error),
    zlib.error,
    lzma.LZMAError,
    zstd.ZstdError,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    OverflowError,
)


class _Pull(Protocol):
    """The shape that ``bz2`` and ``lzma`` share."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Deflate:
    """Gives the zlib interface the shape of the others."""

    __slots__ = ("_inner", "_waiting")

    def __init__(self, wbits: int) -> None:
        self._inner = isal_zlib.decompressobj(wbits=wbits)
        self._waiting = False

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out: bytes = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._waiting = bool(self._inner.unconsumed_tail) or len(out) == max_length
        return out


def _xz() -> _Pull:
    return lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_LZMA_MEMORY)


def _zst() -> _Pull:
    return zstd.ZstdDecompressor(options=_ZSTD_WINDOW)


STREAMS: Final[Mapping[str, Callable[[], _Pull]]] = {
    "gz": lambda: _Deflate(31),
    "deflate": lambda: _Deflate(-15),
    "bz2": bz2.BZ2Decompressor,
    "xz": _xz,
    "zst": _zst,
}


def inflate(kind: str, packed: Iterable[bytes], *, single: bool = False) -> Iterator[bytes]:
    """Unpacks; files that were put one behind the other are read as one unless ``single``.

    Raises :class:`Damaged` after the last bytes that could be had.
    """
    try:
        yield from _pulled(STREAMS[kind], packed, single)
    except _DAMAGE as error:
        if any(word in str(error).casefold() for word in ("memory", "window")):
            raise CutShort(SkipReason.TOO_MUCH_MEMORY) from None
        raise Damaged(type(error).__name__) from None


def _pulled(make: Callable[[], _Pull], packed: Iterable[bytes], single: bool) -> Iterator[bytes]:
    stream, ended = make(), False
    for chunk in packed:
        data = chunk
        while True:
            if ended:
                data = data.lstrip(b"\0")
                if single or not data:
                    break
                stream, ended = make(), False
            out = stream.decompress(data, STEP)
            data = b""
            if out:
                yield out
            if stream.eof:
                ended, data = True, stream.unused_data
            elif stream.needs_input:
                break
        if single and ended:
            return
    if not ended:
        raise Damaged("cut short")
