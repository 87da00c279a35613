"""A file that is cut into ranges gives the same lines, with the same numbers, as a file that is read in one go."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emberwatch.ingestion import ranges
from emberwatch.ingestion.planning import range_bytes
from emberwatch.ingestion.ranges import Range, count_lines, cut, whole_lines
from emberwatch.parsing.lines import MAX_LINE, split_lines


def numbered(data: bytes, found: list[Range]) -> list[tuple[int, bytes]]:
    lines = []
    for part in found:
        number = part.first_line
        for block in whole_lines(io.BytesIO(data), part.start, part.end):
            for line in split_lines([block.data]):
                lines.append((number, line))
                number += 1
    return lines


@given(
    pieces=st.lists(
        st.sampled_from([b"a", b"bc\xff", b"\n", b"\n", b"\r\n", b"\0", b"\xef\xbb\xbf"]), max_size=60
    ),
    size=st.integers(1, 40),
)
def test_ranges_give_every_line_once_and_with_its_number(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces)
    found = list(cut(io.BytesIO(data), size))
    assert numbered(data, found) == list(enumerate(split_lines([data]), start=1))
    assert [part.start for part in found[1:]] == [part.end for part in found[:-1]]
    assert not data or (found[0].start, found[-1].end) == (0, len(data))


def test_a_range_may_be_read_on_from_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(b"line %d\n" % number for number in range(400))
    monkeypatch.setattr(ranges, "BLOCK", 64)
    blocks = list(whole_lines(io.BytesIO(data), 0))
    assert len(blocks) > 20
    for at, block in enumerate(blocks[:-1]):
        rest = b"".join(later.data for later in whole_lines(io.BytesIO(data), block.end))
        assert rest == b"".join(later.data for later in blocks[at + 1 :])


def test_of_a_line_without_an_end_only_the_beginning_is_held() -> None:
    class Endless(io.RawIOBase):
        left = 40 * 1024**2

        def seek(self, offset: int, whence: int = 0) -> int:
            return offset

        def read(self, size: int = -1) -> bytes:
            given = min(size, self.left)
            self.left -= given
            return b"x" * given

    blocks = list(whole_lines(Endless(), 0))  # type: ignore[arg-type]
    assert blocks[-1].end == 40 * 1024**2
    assert MAX_LINE < max(len(block.data) for block in blocks) < 10 * 1024**2


def test_lines_are_counted_as_they_are_split() -> None:
    for data in (b"a\nb", b"a\rb\r\nc\n", b"\xef\xbb\xbfa\nb\xef\xbb\xbfc", b"\n\n", b""):
        assert count_lines(data) == len(list(split_lines([data]))) or not data


def test_a_file_is_cut_into_enough_pieces_to_share_and_not_into_crumbs() -> None:
    assert range_bytes(10_000) == 4 * 1024**2
    assert range_bytes(320 * 1024**2) == 20 * 1024**2
    assert range_bytes(50 * 1024**3) == 64 * 1024**2
