"""Room for an archive that lies inside another one: in memory while small, else sealed on disk.

The file has no name from the moment it exists, so nothing stays behind whatever happens, and it holds no byte in
clear: it is encrypted with a key that only this process's memory has.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, cast

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from emberwatch.sources.base import CutShort, SkipReason

IN_MEMORY: Final = 32 * 1024**2
MAX_SCRATCH: Final = 64 * 1024**3
_BLOCK: Final = 16
_BUFFER: Final = 256 * 1024


class Scratch:
    """Keeps what it is given until it is closed."""

    def __init__(self, folder: Path, limit: int = MAX_SCRATCH) -> None:
        self.folder = folder
        self._limit = limit

    def keep(self, chunks: Iterator[bytes]) -> tuple[BinaryIO, int]:
        """A seekable file of these bytes and its size."""
        memory = io.BytesIO()
        for chunk in chunks:
            memory.write(chunk)
            if memory.tell() > min(IN_MEMORY, self._limit):
                return self._on_disk(memory.getvalue(), chunks)
        return memory, memory.tell()

    def _on_disk(self, begun: bytes, chunks: Iterator[bytes]) -> tuple[BinaryIO, int]:
        file = SealedFile(self.folder)
        try:
            for chunk in chain((begun,), chunks):
                if file.size + len(chunk) > self._limit:
                    raise CutShort(SkipReason.NO_SPACE)
                file.append(chunk)
        except OSError:
            file.close()
            raise CutShort(SkipReason.NO_SPACE) from None
        except CutShort:
            file.close()
            raise
        return cast("BinaryIO", io.BufferedReader(file, _BUFFER)), file.size

    def in_clear(self, file: BinaryIO, length: int) -> BinaryIO:
        """Its first bytes in a file without a name, for a library that opens only real files."""
        copy = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 - the caller closes it
        try:
            file.seek(0)
            while length > 0 and (chunk := file.read(min(_BUFFER, length))):
                copy.write(chunk)
                length -= len(chunk)
            copy.flush()
        except OSError:
            copy.close()
            raise CutShort(SkipReason.NO_SPACE) from None
        return cast("BinaryIO", copy)


class SealedFile(io.RawIOBase):
    """AES-256 in counter mode under a key of its own: any position can be read by itself."""

    def __init__(self, folder: Path) -> None:
        handle, name = tempfile.mkstemp(dir=folder)
        Path(name).unlink()
        self._handle = handle
        self._key = os.urandom(32)
        self._at = 0
        self.size = 0
        self._sealer = self._cipher(0).encryptor()

    def append(self, data: bytes) -> None:
        view = memoryview(self._sealer.update(data))
        while view:
            written = os.write(self._handle, view)
            view = view[written:]
            self.size += written

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        block, ahead = divmod(self._at, _BLOCK)
        sealed = os.pread(self._handle, ahead + len(buffer), block * _BLOCK)
        opened = self._cipher(block).decryptor().update(sealed)[ahead:]
        buffer[: len(opened)] = opened
        self._at += len(opened)
        return len(opened)

    def close(self) -> None:
        if not self.closed:
            os.close(self._handle)
        super().close()

    def _cipher(self, block: int) -> Cipher[modes.CTR]:
        # The key is used for this one file only, so the counter may begin at nought.
        return Cipher(algorithms.AES256(self._key), modes.CTR(block.to_bytes(_BLOCK, "big")))
