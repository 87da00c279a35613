"""Members of zip archives, read as streams under guards. Nothing is ever unpacked to a name in them."""

from __future__ import annotations

import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from emberwatch.sources.base import Damaged, SkipReason

MAX_ENTRIES: Final = 200_000
MAX_UNPACKED: Final = 20 * 1024**3
MAX_RATIO: Final = 200
RATIO_FROM: Final = 10 * 1024**2

SIGNATURES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_READABLE: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)
_DIRECTORY_LIMIT: Final = 256 * 1024**2
_END_RECORD: Final = b"PK\x05\x06"
_END_RECORD_64: Final = b"PK\x06\x06"
_END_SPAN: Final = 22 + 65_535 + 20 + 56
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_PATH: Final = 512
_STEP: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One file of a zip archive."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    path: str
    refusal: SkipReason | None

    @property
    def size(self) -> int:
        return self.info.file_size

    def chunks(self) -> Iterator[bytes]:
        crc = 0
        try:
            with self.archive.open(_unchecked(self.info)) as stream:
                while chunk := stream.read1(_STEP):  # type: ignore[attr-defined]
                    crc = zlib.crc32(chunk, crc)
                    yield chunk
        except _DAMAGE as error:
            raise Damaged(type(error).__name__) from None
        if crc != self.info.CRC:
            raise Damaged("checksum")


def open_zip(file: Path | BinaryIO) -> list[ZipMember] | SkipReason:
    """The members in the archive's order, or why the archive as a whole is refused."""
    try:
        if _directory_size(file) > _DIRECTORY_LIMIT:
            return SkipReason.TOO_MANY_ENTRIES
        archive = zipfile.ZipFile(file)
    except _DAMAGE:
        return SkipReason.DAMAGED
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        archive.close()
        return SkipReason.TOO_MANY_ENTRIES
    files = (info for info in infos if not info.is_dir())
    return [
        ZipMember(archive, info, safe_path(info.filename), _refusal(info, archive.start_dir))
        for info in files
    ]


def safe_path(name: str) -> str:
    """A member's name for showing: relative, forward slashes, no control or direction characters."""
    parts = _CONTROLS.sub("?", name).replace("\\", "/").split("/")
    kept = [part for part in parts if part not in ("", ".", "..") and not re.fullmatch(r"[A-Za-z]:", part)]
    return "/".join(kept)[-_LONGEST_PATH:] or "unnamed"


def _unchecked(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A copy without its checksum: ``zipfile`` would keep back the last bytes of a member that fails it."""
    bare = copy(info)
    del bare.CRC
    return bare


def _refusal(info: zipfile.ZipInfo, end: int) -> SkipReason | None:
    if stat.S_ISLNK(info.external_attr >> 16):
        return SkipReason.LINK
    if info.flag_bits & 0x1:
        return SkipReason.ENCRYPTED
    if info.compress_type not in _READABLE:
        return SkipReason.UNSUPPORTED_COMPRESSION
    # The packed size is a claim; what lies before the directory is the most that it can be.
    packed = min(info.compress_size, end - info.header_offset)
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(packed, 1):
        return SkipReason.SUSPICIOUS_RATIO
    return None


def _directory_size(file: Path | BinaryIO) -> int:
    """What the end record says of the central directory, which is read into memory as a whole."""
    tail = _tail(file)
    at = tail.rfind(_END_RECORD)
    if at < 0 or len(tail) < at + 16:
        return 0
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    at64 = tail.rfind(_END_RECORD_64)
    return int.from_bytes(tail[at64 + 40 : at64 + 48], "little") if size == 0xFFFFFFFF and at64 >= 0 else size


def _tail(file: Path | BinaryIO) -> bytes:
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return _tail(opened)
    end = file.seek(0, 2)
    file.seek(max(0, end - _END_SPAN))
    return file.read()
