"""A file that nobody else can open or read: it has no name, and no byte of it lies on the disk in clear."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK: Final = 16


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
