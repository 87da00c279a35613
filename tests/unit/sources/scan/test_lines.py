"""Scanning finds what parsing every line finds: the same entries, on the same lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emberwatch.matching.prefilter import prefilter_for
from emberwatch.matching.watchlist import parse_watchlist
from emberwatch.parsing.base import LineFormat, ParseContext, ParsedCredential, Reject, RejectReason
from emberwatch.parsing.lines import MAX_LINE, split_lines
from emberwatch.parsing.registry import choose
from emberwatch.sources.scan import blocks
from emberwatch.sources.scan.counting import WORTH_LOADING, line_counter
from emberwatch.sources.scan.lines import CountLines, Found, count_lines
from emberwatch.sources.scan.ranges import line_ranges
from emberwatch.sources.scan.tally import Tally
from emberwatch.sources.scan.text import TextScanner, file_range

WATCHED: Final = parse_watchlist(
    ["contoso.example", "Bücher.example", "ab.co", "mira@freemail.example", "host:login.apps.example"]
)
CONTEXT: Final = ParseContext(is_ours=WATCHED.owns_login, host_is_ours=WATCHED.owns_host)
PREFILTER: Final = prefilter_for(WATCHED)

PIECES: Final = st.sampled_from(
    [
        "u@contoso.example", "U@Mail.CONTOSO.example", "u@bücher.example", "u@BÜCHER.example",
        "u@xn--bcher-kva.example",
        "u@bu\u0308cher.example", "x@ab.co", "x@cab.co", "u@contoso.example.evil.test", "u@notcontoso.example",
        "mira@freemail.example", "other@freemail.example", "https://login.apps.example/x", "login.apps.example",
        "https://vpn.contoso.example:8443/", "contoso.example", "android://aa==@com.contoso.example/", "o@a.test", "https://a.test/",
        ":", ":", ":", ";", "|", "\t", " ", ",", "secret", "p:w", "5f4dcc3b5aa765d61d8327deb882cf99", "@", ".",
        "\n", "\n", "\n", "\r\n", "\r", "\0", "\ufeff", "\u00a0", "é", "=====", "\u212a",
    ]
)  # fmt: skip
TEXT: Final = st.lists(PIECES, max_size=60).map("".join)


def naive(data: bytes) -> tuple[list[Found], int]:
    """Every line parsed by the reader of its format, and the number of lines."""
    reader = line_format(data).line_reader(data[:65536], CONTEXT)
    lines = list(split_lines([data]))
    outcomes = [reader(number, line) for number, line in enumerate(lines, start=1)]
    return [found for found in outcomes if isinstance(found, ParsedCredential)], len(lines)


def line_format(data: bytes) -> LineFormat:
    parser = choose(data[:65536], "x.txt", "ulp")
    assert isinstance(parser, LineFormat)
    return parser


def scanned(data: bytes, count: CountLines = count_lines, step: int = 1 << 20) -> tuple[list[Found], Tally]:
    scanner = TextScanner(WATCHED, PREFILTER, count)
    tally = Tally()
    read = blocks.ChunkReader(data[at : at + step] for at in range(0, len(data), step)).readinto
    reader = scanner.line_reader(data[:65536], line_format(data))
    return list(scanner.range(read, reader, tally)), tally


def credentials(found: list[Found]) -> list[ParsedCredential]:
    return [each for each in found if isinstance(each, ParsedCredential)]


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(TEXT, st.sampled_from(["utf-8", "cp1252"]), st.sampled_from([1, 7, 64, 1 << 20]))
@example("u@contoso.example:a\ru@contoso.example:b\r\n\r\nu@contoso.example:c", "utf-8", 1)
@example("x\ufeffu@contoso.example:a\n\ufeffu@contoso.example:b", "utf-8", 1 << 20)
@example("u@con\0toso.example:a\0b\n", "utf-8", 1)
def test_the_same_as_parsing_every_line(text: str, encoding: str, step: int) -> None:
    data = text.encode(encoding, "ignore")
    expected, lines = naive(data)
    found, tally = scanned(data, step=step)
    assert credentials(found) == expected
    assert tally.bytes == len(data)
    if not data.endswith("\ufeff".encode()):
        assert tally.lines == lines
    assert tally.matched.total() == len(expected)
    assert tally.lines_without >= 0


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(text=TEXT, step=st.integers(1, 80))
def test_ranges_own_each_line_once(text: str, step: int, tmp_path: Path) -> None:
    data = text.encode()
    file = tmp_path / "leak.txt"
    file.write_bytes(data)
    whole, whole_tally = scanned(data)
    scanner = TextScanner(WATCHED, PREFILTER)
    reader = scanner.line_reader(data[:65536], line_format(data))
    found, total = list[tuple[int, str]](), Tally()
    descriptor = os.open(file, os.O_RDONLY)
    try:
        ranges = list(line_ranges(descriptor, len(data), step))
        for start, end in ranges:
            tally = Tally()
            part = list(scanner.range(file_range(descriptor, start, end), reader, tally))
            found += [(each.line + total.lines, type(each).__name__) for each in part]
            total.add(tally)
    finally:
        os.close(descriptor)
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
    assert found == [(each.line, type(each).__name__) for each in whole]
    assert (total.bytes, total.lines, total.matched) == (len(data), whole_tally.lines, whole_tally.matched)


def test_small_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(
        b"https://a.test/%d:u%d@contoso.example:pw%d\nx@y.test:z\n" % (n, n, n) for n in range(500)
    )
    expected = scanned(data)
    monkeypatch.setattr(blocks, "READ", 100)
    assert scanned(data) == expected
    assert len(expected[0]) == 500
    assert [found.line for found in expected[0]] == list(range(1, 1000, 2))


def endless(ours: bytes, at: int, size: int = 3 * blocks.LONGEST) -> bytes:
    line = bytearray(b"x" * size)
    line[at : at + len(ours)] = ours
    return b"u@contoso.example:first\n" + bytes(line) + b"\nu@contoso.example:last\n"


@pytest.mark.parametrize(
    "at",
    [0, 1000, blocks.LONGEST - 8, blocks.LONGEST + 8, 2 * blocks.LONGEST + 5, 3 * blocks.LONGEST - 30],
)
def test_an_endless_line_is_rejected_once_and_nothing_after_it_is_lost(at: int) -> None:
    found, tally = scanned(endless(b":u@contoso.example:pw", at))
    assert [(each.line, type(each)) for each in found] == [
        (1, ParsedCredential),
        (2, Reject),
        (3, ParsedCredential),
    ]
    assert tally.rejected == {RejectReason.LINE_TOO_LONG.value: 1}
    assert (tally.lines, tally.lines_matched, tally.lines_rejected) == (3, 2, 1)


def test_an_endless_line_is_ours_wherever_in_it_we_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one of its pieces ends."""
    monkeypatch.setattr(blocks, "READ", 1000)
    monkeypatch.setattr(blocks, "LONGEST", 2000)
    for at in range(0, 7000, 9):
        found, tally = scanned(endless(b":u@contoso.example:pw", at, size=8000))
        assert [each.line for each in found] == [1, 2, 3], at
        assert (tally.lines, tally.lines_matched, tally.lines_rejected) == (3, 2, 1)


def test_an_endless_line_of_nobody_is_a_line(at: int = 50) -> None:
    found, tally = scanned(endless(b":u@a.test:pw", at))
    assert [each.line for each in found] == [1, 3]
    assert tally.lines_without == 1


def test_an_endless_line_at_the_end() -> None:
    found, tally = scanned(b"a\n" + b"x" * 3 * blocks.LONGEST + b":u@contoso.example:pw")
    assert [type(each) for each in found] == [Reject]
    assert tally.lines == 2


def test_long_lines_within_a_block_are_rejected() -> None:
    found, tally = scanned(b"u@contoso.example:" + b"x" * (MAX_LINE + 5) + b"\nu@contoso.example:pw\n")
    assert [type(each) for each in found] == [Reject, ParsedCredential]
    assert tally.lines == 2


def test_a_large_file_whose_lines_end_in_cr_alone() -> None:
    data = b"".join(b"x@a.test:%040d\ru%d@contoso.example:pw\r" % (n, n) for n in range(30_000))
    assert len(data) > 2 * blocks.LONGEST
    found, tally = scanned(data)
    assert [each.line for each in credentials(found)] == list(range(2, 60_001, 2))
    assert (tally.lines, tally.rejected.total()) == (60_000, 0)


def test_gigabytes_of_nul_are_no_long_line() -> None:
    data = b"u@contoso.example:a\n" + bytes(3 * blocks.LONGEST) + b"u@contoso.example:b\n"
    found, _ = scanned(data)
    assert [(each.line, type(each)) for each in found] == [(1, ParsedCredential), (2, ParsedCredential)]


def test_large_inputs_are_counted_alike() -> None:
    data = b"".join(b"%0*d\n" % (n % 300, n) for n in range(3000)) + b"u@contoso.example:pw"
    assert scanned(data, line_counter(WORTH_LOADING)) == scanned(data, line_counter(1))


@pytest.fixture
def utf16(tmp_path: Path) -> Iterator[bytes]:
    yield "a.test\r\nhttps://a.test/:u@contoso.example:pwü\r\n".encode("utf-16")


def test_utf16_is_read(utf16: bytes) -> None:
    scanner = TextScanner(WATCHED, PREFILTER)
    tally = Tally()
    found = credentials(list(scanner.stream([utf16], utf16, choose(utf16, "x.txt"), tally)))
    assert [(each.login, each.secret.expose(), each.line) for each in found] == [
        ("u@contoso.example", "pwü", 2)
    ]
    assert (tally.bytes, tally.lines) == (len(utf16), 2)
