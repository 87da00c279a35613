"""Combo lists: login and secret on one line, in either order, without a url."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from emberwatch.parsing.base import ANYBODY, LineReader, Outcome, ParseContext, SourceKind
from emberwatch.parsing.credential_lines import line_reader, read_lines
from emberwatch.parsing.line_sniff import sniff_lines

_SURE: Final = 0.9
_FEW_URLS: Final = 0.2


class ComboList:
    """A file of pairs, nearly all without a url."""

    name = "combo"
    kind = SourceKind.COMBO_LIST

    def sniff(self, head: bytes, name: str) -> float:  # noqa: ARG002 - the name tells nothing here
        entries, with_url = sniff_lines(head)
        return _SURE * entries if with_url < _FEW_URLS else 0.0

    def parse(self, lines: Iterable[bytes], context: ParseContext = ANYBODY) -> Iterator[Outcome]:
        return read_lines(lines, context)

    def line_reader(self, head: bytes, context: ParseContext = ANYBODY) -> LineReader:
        return line_reader(head, context)
