"""ULP: url, login and password on one line, in any order and with any separator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from emberwatch.parsing.base import ANYBODY, LineReader, Outcome, ParseContext, SourceKind
from emberwatch.parsing.credential_lines import line_reader, read_lines
from emberwatch.parsing.line_sniff import sniff_lines

_SURE: Final = 0.9
_SOME_URLS: Final = 0.2


class Ulp:
    """A file with a url in at least every fifth entry."""

    name = "ulp"
    kind = SourceKind.ULP

    def sniff(self, head: bytes, name: str) -> float:  # noqa: ARG002 - the name tells nothing here
        entries, with_url = sniff_lines(head)
        return _SURE * entries if with_url >= _SOME_URLS else _SURE * entries * with_url

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        return read_lines(lines, context)

    def line_reader(self, head: bytes, context: ParseContext = ANYBODY) -> LineReader:
        return line_reader(head, context)
