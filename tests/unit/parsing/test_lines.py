from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.lines import MAX_LINE, split_lines


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\n", [b"a", b"b"]),
        (b"a\rb\r", [b"a", b"b"]),
        (b"a\n\r\nb\r\rc", [b"a", b"", b"b", b"", b"c"]),
        (b"a\0b\0\r\0\nc", [b"ab", b"c"]),
        (b"\x0c\x1c\x85a\xe2\x80\xa8b", [b"\x0c\x1c\x85a\xe2\x80\xa8b"]),
        (codecs.BOM_UTF16_LE + "ü:p\r\nß".encode("utf-16-le"), ["ü:p".encode(), "ß".encode()]),
        (codecs.BOM_UTF16_BE + "ü:p\r\nß".encode("utf-16-be"), ["ü:p".encode(), "ß".encode()]),
        (codecs.BOM_UTF8 + b"a\nb" + codecs.BOM_UTF8 + b"c" + codecs.BOM_UTF8, [b"a", b"b", b"c"]),
        (codecs.BOM_UTF8, [b""]),
        (b"a\n" + codecs.BOM_UTF8 + b"\nb", [b"a", b"", b"b"]),
    ],
)
def test_line_ends(data: bytes, lines: list[bytes]) -> None:
    assert list(split_lines([data])) == lines
    assert list(split_lines(data[i : i + 1] for i in range(len(data)))) == lines


def test_an_overlong_line_is_cut_and_the_next_is_whole() -> None:
    chunks = [b"x" * 50_000] * 40 + [b"\nnext\n" + b"y" * (MAX_LINE + 5) + b"\n" + b"z" * MAX_LINE]
    lines = list(split_lines(chunks))
    assert [len(line) for line in lines] == [MAX_LINE + 1, 4, MAX_LINE + 1, MAX_LINE]
    assert lines[1] == b"next"


def test_an_overlong_line_is_not_held_in_memory() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(300):
            yield b"x" * 1_000_000

    lines = list(split_lines(chunks()))
    assert [len(line) for line in lines] == [MAX_LINE + 1]


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_the_cuts_between_chunks_change_nothing(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]
    assert list(split_lines(chunks)) == list(split_lines([data]))


@given(st.lists(st.binary(max_size=30).map(lambda b: b.translate(None, b"\0\r\n\xff\xfe\xef")), max_size=8))
def test_joined_lines_come_back(lines: list[bytes]) -> None:
    assert list(split_lines([b"".join(line + b"\r\n" for line in lines)])) == lines
