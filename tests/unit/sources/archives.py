"""Makes synthetic leaks: archives of every kind in memory, and the files of made-up victims."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final

import py7zr
import pyzipper
import rars

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HWID = "0123456789ABCDEF0123456789ABCDEF"


def zipped(files: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer


def block(login: str, password: str, url: str = "https://a.test/") -> str:
    return f"URL: {url}\nUsername: {login}\nPassword: {password}\nApplication: Chrome\n===============\n"


def system_file(hwid: str = HWID, user: str = "mholt") -> str:
    return (
        f"IP: 203.0.113.9\nFileLocation: C:\\x.exe\nUserName: {user}\nCountry: DE\nHWID: {hwid}\n"
        "Operation System: Windows 10\nLog date: 8/30/2023 6:22:24 AM\n"
    )


def tarred(files: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            content = _bytes(data)
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def seven_zipped(
    files: Mapping[str, bytes | str], password: str | None = None, *, hidden: bool = False
) -> bytes:
    buffer = io.BytesIO()
    with py7zr.SevenZipFile(buffer, "w", password=password, header_encryption=hidden) as archive:
        for at, data in enumerate(files.values()):
            archive.writestr(_bytes(data), str(at))
        # It refuses to write the names that some of the tests need.
        for info, name in zip(archive.header.files_info.files, files, strict=True):
            info["filename"] = name
    return buffer.getvalue()


def rarred(
    files: Mapping[str, bytes | str],
    password: str | None = None,
    *,
    version: str = "rar50",
    hidden: bool = False,
    solid: bool = False,
) -> bytes:
    builder = rars.RarBuilder(
        format=version, compression=1, password=password, encrypt_headers=hidden, solid=solid
    )
    for name, data in files.items():
        builder.add_bytes(_bytes(data), name)
    return bytes(builder.to_bytes())


def aes_zipped(files: Mapping[str, bytes | str], password: str) -> bytes:
    buffer = io.BytesIO()
    with pyzipper.AESZipFile(buffer, "w", pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(password.encode())
        for name, data in files.items():
            archive.writestr(name, _bytes(data))
    return buffer.getvalue()


def old_zipped(files: Mapping[str, bytes | str], password: str) -> bytes:
    """With the first encryption that zip had, whose keys every byte changes."""
    plain = zipped(files)
    out, raw = io.BytesIO(), bytearray(plain.getvalue())
    with zipfile.ZipFile(plain) as archive:
        infos, start = archive.infolist(), archive.start_dir
    grown, directory = 0, bytearray(raw[start:])
    at = 0
    for info in infos:
        begin = info.header_offset
        head = 30 + int.from_bytes(raw[begin + 26 : begin + 28], "little")
        data = bytes(raw[begin + head : begin + head + info.compress_size])
        header = bytearray(raw[begin : begin + head])
        header[6] |= 1
        struct.pack_into("<L", header, 18, info.compress_size + 12)
        out.write(header + _old_encrypted(bytes(11) + bytes([info.CRC >> 24]) + data, password))
        at = directory.index(b"PK\x01\x02", at)
        directory[at + 8] |= 1
        struct.pack_into("<L", directory, at + 20, info.compress_size + 12)
        struct.pack_into("<L", directory, at + 42, begin + grown)
        grown, at = grown + 12, at + 46
    end = directory.rindex(b"PK\x05\x06")
    struct.pack_into("<L", directory, end + 16, start + grown)
    return out.getvalue() + bytes(directory)


def _old_encrypted(data: bytes, password: str) -> bytes:
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = _crc(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = _crc(keys[2], keys[1] >> 24)

    for byte in password.encode():
        update(byte)
    out = bytearray()
    for byte in data:
        key = keys[2] | 2
        out.append(byte ^ ((key * (key ^ 1) >> 8) & 0xFF))
        update(byte)
    return bytes(out)


def _crc(crc: int, byte: int) -> int:
    return zlib.crc32(bytes([byte]), crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data


_COMPRESS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


def compressed(kind: str, data: bytes) -> bytes:
    return _COMPRESS[kind](data)


PACKED: Final[Mapping[str, Callable[[Mapping[str, bytes | str]], bytes]]] = {
    "zip": lambda files: zipped(files).getvalue(),
    "tar": tarred,
    "tar.gz": lambda files: compressed("gz", tarred(files)),
    "tar.zst": lambda files: compressed("zst", tarred(files)),
    "tar.xz": lambda files: compressed("xz", tarred(files)),
    "tar.bz2": lambda files: compressed("bz2", tarred(files)),
    "7z": seven_zipped,
    "rar5": rarred,
    "rar5 solid": lambda files: rarred(files, solid=True),
    "rar4": lambda files: rarred(files, version="rar29"),
}
"""Every kind of archive that holds several files."""

LOCKED: Final[Mapping[str, Callable[[Mapping[str, bytes | str], str], bytes]]] = {
    "zip aes": aes_zipped,
    "zip crypto": old_zipped,
    "7z": seven_zipped,
    "7z with hidden names": lambda files, password: seven_zipped(files, password, hidden=True),
    "rar5": rarred,
    "rar5 with hidden names": lambda files, password: rarred(files, password, hidden=True),
    "rar4": lambda files, password: rarred(files, password, version="rar29"),
}
"""Every kind of protection."""
