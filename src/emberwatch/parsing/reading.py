"""From a file's bytes to its outcomes, whichever way its format wants to be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from emberwatch.parsing.base import ANYBODY, Outcome, ParseContext, Parser, StreamFormat
from emberwatch.parsing.lines import split_lines


def read_chunks(
    parser: Parser, chunks: Iterable[bytes], context: ParseContext = ANYBODY
) -> Iterator[Outcome]:
    """Outcomes of the bytes of one file, in flat memory."""
    if isinstance(parser, StreamFormat):
        return parser.parse_stream(chunks, context)
    return parser.parse(split_lines(chunks), context)
