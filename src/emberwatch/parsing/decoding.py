"""From the bytes of one line to text, to the character: strict UTF-8, else Windows-1252 with a flag."""

from __future__ import annotations

import codecs
from typing import Final

from emberwatch.parsing.base import Flag

_UTF8_MARK: Final = codecs.BOM_UTF8


def _windows_1252() -> str:
    # Five bytes are undefined there. Taking the control character of the same number keeps every byte apart,
    # so the bytes can be had back, and no lone surrogate (which PostgreSQL refuses) comes into being.
    return "".join(bytes([i]).decode("cp1252", "ignore") or chr(i) for i in range(256))


_WINDOWS_1252: Final = _windows_1252()


def clean(line: bytes) -> bytes:
    """The line without byte-order marks (joined files bring them in the middle), NULs and line ends."""
    while line.startswith(_UTF8_MARK):
        line = line[len(_UTF8_MARK) :]
    if b"\0" in line:
        line = line.replace(b"\0", b"")
    return line.rstrip(b"\r\n")


def decode_lines(lines: bytes) -> str | None:
    """Text of whole lines, each as :func:`clean` and :func:`decode` give it; ``None``: it takes going line by line."""
    if _UTF8_MARK in lines or b"\0" in lines or b"\r" in lines:
        return None
    try:
        return lines.decode("utf-8")
    except UnicodeDecodeError:
        return None


def decode(line: bytes) -> tuple[str, tuple[str, ...]]:
    """Text of a cleaned line, and the flags that its decoding deserves."""
    try:
        return line.decode("utf-8"), ()
    except UnicodeDecodeError:
        text, _ = codecs.charmap_decode(line, "strict", _WINDOWS_1252)
        return text, (Flag.DECODED_CP1252,)
