"""Zip: the directory is read by the standard library, the data by faster decompressors and under guards."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, cast

from emberwatch.sources.base import CutShort, Damaged, SkipReason
from emberwatch.sources.containers.base import Container, Entry, Source, safe_path
from emberwatch.sources.containers.inflate import inflate
from emberwatch.sources.containers.passwords import ArchivePasswords

_STEP: Final = 256 * 1024
_LZMA_MEMORY: Final = 256 * 1024**2
_DIRECTORY_DAMAGE: Final = (
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
    OverflowError,
    RuntimeError,
)
_DIRECTORY_LIMIT: Final = 256 * 1024**2
_END_RECORD: Final = b"PK\x05\x06"
_END_RECORD_64: Final = b"PK\x06\x06"
_END_SPAN: Final = 22 + 65_535 + 20 + 56
_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")
_SMALL: Final = 8 * 1024**2


def open_zip(source: Source, passwords: ArchivePasswords) -> Container:
    """The archive, by its directory or, where that is lost, by what stands before each file."""
    try:
        if _directory_size(source.file) > _DIRECTORY_LIMIT:
            raise CutShort(SkipReason.TOO_MANY_ENTRIES)
        archive = zipfile.ZipFile(source.file)
    except _DIRECTORY_DAMAGE:
        return _without_directory(source, passwords)
    return ZipArchive(source, archive, passwords)


# What reads single files by their own headers takes longer to load than most archives take to read.
def _without_directory(source: Source, passwords: ArchivePasswords) -> Container:
    from emberwatch.sources.containers.zip_local import ZipWithoutDirectory

    return ZipWithoutDirectory(source, passwords)


class ZipArchive:
    """A zip with a sound directory."""

    def __init__(self, source: Source, archive: zipfile.ZipFile, passwords: ArchivePasswords) -> None:
        self._file = source.file
        self._archive = archive
        self._passwords = passwords
        # Where each file begins, and at last the directory: no file may reach beyond the next of them.
        claims = Counter(info.header_offset for info in archive.infolist())
        self._begins = sorted({*claims, archive.start_dir})
        self._shared = frozenset(at for at, count in claims.items() if count > 1)

    def entries(self) -> Iterator[Entry]:
        for info in self._archive.infolist():
            # A file may have no name at all, for which the library's own question has no answer.
            if not info.filename.endswith("/"):
                yield self._entry(info)

    def _entry(self, info: zipfile.ZipInfo) -> Entry:
        def chunks() -> Iterator[bytes]:
            return self._chunks(info)

        # The packed size is a claim; what lies before the next file is the most that it can be.
        packed = max(0, min(info.compress_size, self._room(info)))
        return Entry(safe_path(info.filename), info.file_size, packed or 1, chunks, self._refusal(info))

    def _room(self, info: zipfile.ZipInfo) -> int:
        at = bisect_right(self._begins, info.header_offset)
        return self._begins[at] - info.header_offset if at < len(self._begins) else 0

    def _refusal(self, info: zipfile.ZipInfo) -> SkipReason | None:
        if stat.S_ISLNK(info.external_attr >> 16):
            return SkipReason.LINK
        if info.compress_size > self._room(info) or info.header_offset in self._shared:
            return SkipReason.OVERLAPPING
        if info.flag_bits & 0x1:
            return None if self._passwords else SkipReason.ENCRYPTED
        return None if info.compress_type in _METHODS else SkipReason.UNSUPPORTED_COMPRESSION

    def _chunks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        if info.flag_bits & 0x1:
            return self._decrypted(info)
        return _checked(_METHODS[info.compress_type](self._packed(info)), info.CRC)

    def _decrypted(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        from emberwatch.sources.containers.zip_local import decrypted

        return decrypted(self._file, info.header_offset, self._password(info))

    def _password(self, info: zipfile.ZipInfo) -> str:
        """The one that opens this file. A file's own check lets one in 256 wrong ones pass, so read it whole."""
        from emberwatch.sources.containers.zip_local import fits

        for password in self._passwords:
            if fits(self._file, info.header_offset, password, whole=info.file_size <= _SMALL):
                self._passwords.worked(password)
                return password
        raise CutShort(SkipReason.ENCRYPTED)

    def _packed(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        at = _data_offset(self._file, info.header_offset)
        left = info.compress_size
        while left > 0:
            # Files of other members are read in between: the position is ours for one read only.
            self._file.seek(at)
            chunk = self._file.read(min(_STEP, left))
            if not chunk:
                raise Damaged("cut short")
            at, left = at + len(chunk), left - len(chunk)
            yield chunk


def _data_offset(file: BinaryIO, header: int) -> int:
    if header < 0:
        # The library counts back from the directory, which may claim more in front of it than there is.
        raise Damaged("before the beginning")
    file.seek(header)
    raw = file.read(_LOCAL_HEADER.size)
    if len(raw) < _LOCAL_HEADER.size:
        raise Damaged("cut short")
    signature, name, extra = _LOCAL_HEADER.unpack(raw)
    if signature != b"PK\x03\x04":
        raise Damaged("no file where the directory says")
    return header + cast("int", _LOCAL_HEADER.size + name + extra)


def _checked(chunks: Iterator[bytes], expected: int) -> Iterator[bytes]:
    crc = 0
    for chunk in chunks:
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if crc != expected:
        raise Damaged("checksum")


def _stored(packed: Iterator[bytes]) -> Iterator[bytes]:
    return packed


def _deflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    return inflate("deflate", packed, single=True)


def _bzipped(packed: Iterator[bytes]) -> Iterator[bytes]:
    return inflate("bz2", packed, single=True)


def _zstandard(packed: Iterator[bytes]) -> Iterator[bytes]:
    return inflate("zst", packed)


def _lzma(packed: Iterator[bytes]) -> Iterator[bytes]:
    """Zip's own wrapping: two bytes of version, two of length, then the properties of raw LZMA."""
    head = b""
    try:
        while len(head) < 9:
            head += next(packed)
        decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[_lzma_filter(head[4:9])])
        data = head[9:]
        while True:
            out = decoder.decompress(data, _STEP)
            if out:
                yield out
            if decoder.eof:
                return
            data = next(packed, b"") if decoder.needs_input else b""
            if not data and decoder.needs_input:
                return
    except StopIteration:
        raise Damaged("cut short") from None
    except (lzma.LZMAError, EOFError, ValueError) as error:
        raise Damaged(type(error).__name__) from None


def _lzma_filter(properties: bytes) -> dict[str, int]:
    code, dictionary = properties[0], int.from_bytes(properties[1:5], "little")
    if dictionary > _LZMA_MEMORY:
        raise CutShort(SkipReason.TOO_MUCH_MEMORY)
    return {
        "id": lzma.FILTER_LZMA1,
        "dict_size": dictionary,
        "lc": code % 9,
        "lp": code // 9 % 5,
        "pb": code // 45,
    }


_METHODS: Final[Mapping[int, Callable[[Iterator[bytes]], Iterator[bytes]]]] = {
    zipfile.ZIP_STORED: _stored,
    zipfile.ZIP_DEFLATED: _deflated,
    zipfile.ZIP_BZIP2: _bzipped,
    zipfile.ZIP_LZMA: _lzma,
    93: _zstandard,
}


def _directory_size(file: BinaryIO) -> int:
    """What the end record says of the central directory, which is read into memory as a whole."""
    end = file.seek(0, 2)
    file.seek(max(0, end - _END_SPAN))
    tail = file.read()
    at = tail.rfind(_END_RECORD)
    if at < 0 or len(tail) < at + 16:
        return 0
    size = int.from_bytes(tail[at + 12 : at + 16], "little")
    at64 = tail.rfind(_END_RECORD_64)
    return int.from_bytes(tail[at64 + 40 : at64 + 48], "little") if size == 0xFFFFFFFF and at64 >= 0 else size
