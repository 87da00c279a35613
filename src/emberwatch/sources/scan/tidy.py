"""Brings a block of lines into the form in which every line ends in LF and nothing else parts lines.

What comes out, cut at LF, is what :func:`emberwatch.parsing.lines.split_lines` gives.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from emberwatch.core.patterns import lazy
from emberwatch.sources.scan.counting import count

_MARK: Final = codecs.BOM_UTF8
_MARKS_AT_EDGES: Final = lazy(rb"^(?:%b)+|(?:%b)+$" % (_MARK, _MARK), re.MULTILINE)
_MARKS: Final = lazy(rb"(?:%b)+" % _MARK)


def is_tidy(block: bytes | bytearray, end: int) -> bool:
    """Whether ``block[1:end]``, NUL bytes gone, may be cut at LF; a CR in front of an LF does not matter."""
    if block.find(b"\r", 1, end) >= 0 and count(b"\r", block, 1, end) > count(b"\r\n", block, 1, end):
        return False
    # Most text holds no 0xEF at all, and one byte is found faster than three.
    return block.find(b"\xef", 1, end) < 0 or block.find(_MARK, 1, end) < 0


def tidied(block: bytes) -> bytes:
    block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if _MARK not in block:
        return block
    return _MARKS.sub(b"\n", _MARKS_AT_EDGES.sub(b"", block))
