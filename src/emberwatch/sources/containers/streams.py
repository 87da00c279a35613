"""A single compressed file: gz, bz2, xz or zst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from emberwatch.sources.base import read_chunks
from emberwatch.sources.containers.base import Entry, Source, safe_path
from emberwatch.sources.containers.inflate import inflate
from emberwatch.sources.containers.kinds import Kind

_SUFFIXES: Final = (".gz", ".gzip", ".bz2", ".xz", ".lzma", ".zst", ".zstd")
_TAR_SUFFIXES: Final = (".tgz", ".tbz2", ".tbz", ".txz", ".tzst")


@dataclass(frozen=True, slots=True)
class CompressedFile:
    """Its only entry is named after the file, without the suffix that the compression added."""

    source: Source
    kind: Kind
    name: str

    def entries(self) -> Iterator[Entry]:
        yield Entry(bare_name(self.name), 0, self.source.size, self.chunks)

    def chunks(self) -> Iterator[bytes]:
        self.source.file.seek(0)
        return inflate(self.kind, read_chunks(self.source.file))


def bare_name(name: str) -> str:
    base = safe_path(name.rpartition("!")[2]).rpartition("/")[2]
    folded = base.casefold()
    for suffix in _SUFFIXES:
        if folded.endswith(suffix) and len(base) > len(suffix):
            return base[: -len(suffix)]
    for suffix in _TAR_SUFFIXES:
        if folded.endswith(suffix) and len(base) > len(suffix):
            return f"{base[: -len(suffix)]}.tar"
    return base
