"""Room for an archive that lies inside another one: in memory while small, else sealed on disk.

The file has no name from the moment it exists, so nothing stays behind whatever happens, and it holds no byte in
clear: it is encrypted with a key that only this process's memory has.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, cast

from emberwatch.sources.base import CutShort, SkipReason

IN_MEMORY: Final = 32 * 1024**2
MAX_SCRATCH: Final = 64 * 1024**3
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
        # Loading the cipher takes longer than most archives, which hold no others, take to read.
        from emberwatch.sources.containers.sealed_file import SealedFile

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
