"""Uploaded leaks, sealed on disk from their first byte until they are imported.

A spool file is a row of sealed blocks of one size, so that it can be read from any place (a zip's directory
stands at its end). Each block is bound to its file and number: blocks cannot be swapped, and the last one
carries a mark, so that a cut file is noticed.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Final
from uuid import UUID

from emberwatch.vault.crypto import Vault, VaultError

BLOCK_BYTES: Final = 1 << 20
# Version, nonce and tag of one sealed block.
_OVERHEAD: Final = 1 + 12 + 16
_SEALED_BLOCK: Final = BLOCK_BYTES + _OVERHEAD


def spool_path(folder: Path, import_id: UUID) -> Path:
    return folder / "uploads" / f"{import_id}.sealed"


def _context(import_id: UUID, number: int, last: bool) -> str:
    return f"spool:{import_id}:{number}:{'last' if last else 'more'}"


class SpoolWriter:
    """Seals what is written, block by block; only :meth:`finish` makes the file complete."""

    def __init__(self, path: Path, vault: Vault, import_id: UUID) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._vault = vault
        self._import_id = import_id
        self._buffer = bytearray()
        self._blocks = 0
        self.size = 0

    def write(self, data: bytes) -> None:
        self._buffer += data
        self.size += len(data)
        # One full block is always kept back: only the last one may carry the mark.
        while len(self._buffer) > BLOCK_BYTES:
            self._seal(bytes(self._buffer[:BLOCK_BYTES]), last=False)
            del self._buffer[:BLOCK_BYTES]

    def finish(self) -> None:
        self._seal(bytes(self._buffer), last=True)
        self._file.close()

    def abandon(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _seal(self, block: bytes, *, last: bool) -> None:
        self._file.write(self._vault.seal_bytes(block, _context(self._import_id, self._blocks, last)))
        self._blocks += 1


def write_chunk(
    path: Path, vault: Vault, import_id: UUID, offset: int, data: bytes, *, is_last: bool
) -> None:
    """Seals a chunk of whole blocks (only the last one may end in mid-block) at its place in the spool.

    Safe to repeat with the same chunk; what stood behind that place is gone, and all is on the disk afterwards.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    first = offset // BLOCK_BYTES
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)] or [b""]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.truncate(first * _SEALED_BLOCK)
        file.seek(first * _SEALED_BLOCK)
        for number, block in enumerate(blocks, start=first):
            last = is_last and number == first + len(blocks) - 1
            file.write(vault.seal_bytes(block, _context(import_id, number, last)))
        file.flush()
        os.fsync(file.fileno())


class SpoolReader(io.RawIOBase):
    """Reads a finished spool file; seekable. Raises :class:`VaultError` when it was cut, swapped or changed."""

    def __init__(self, path: Path, vault: Vault, import_id: UUID) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._vault = vault
        self._import_id = import_id
        stored = path.stat().st_size
        self._blocks = -(-stored // _SEALED_BLOCK)
        self.size = stored - self._blocks * _OVERHEAD
        self._position = 0
        self._cached: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._position >= self.size:
            return 0
        number, start = divmod(self._position, BLOCK_BYTES)
        piece = self._block(number)[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _block(self, number: int) -> bytes:
        if self._cached[0] != number:
            self._file.seek(number * _SEALED_BLOCK)
            sealed = self._file.read(_SEALED_BLOCK)
            context = _context(self._import_id, number, number == self._blocks - 1)
            self._cached = (number, self._vault.open_bytes(sealed, context))
        return self._cached[1]


def open_spool(path: Path, vault: Vault, import_id: UUID) -> io.BufferedReader:
    if not path.exists():
        raise VaultError("The uploaded file is not on this machine any more.")
    return io.BufferedReader(SpoolReader(path, vault, import_id), buffer_size=256 * 1024)
