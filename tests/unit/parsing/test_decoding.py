from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emberwatch.parsing.base import Flag
from emberwatch.parsing.decoding import clean, decode


def test_utf8_is_taken_as_it_is() -> None:
    assert decode("pässwörd✓".encode()) == ("pässwörd✓", ())


def test_anything_else_is_windows_1252_with_a_flag() -> None:
    assert decode(b"p\xe4ss\x80") == ("päss€", (Flag.DECODED_CP1252,))


def test_marks_of_joined_files_and_line_ends_go() -> None:
    assert clean(b"\xef\xbb\xbf\xef\xbb\xbfa\0b\r\n") == b"ab"
    assert clean(b" a \r") == b" a "


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_different_bytes_never_become_the_same_text(one: bytes, other: bytes) -> None:
    if one != other and decode(one)[1] == decode(other)[1]:
        assert decode(one)[0] != decode(other)[0]


@given(st.binary(max_size=60))
def test_no_lone_surrogate_is_made(data: bytes) -> None:
    decode(data)[0].encode("utf-8")
