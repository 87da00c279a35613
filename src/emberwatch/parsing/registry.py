"""Every format that is read, by hand: a new one is a module of its own and one line here."""

from __future__ import annotations

from typing import Final

from emberwatch.core.errors import BadInput
from emberwatch.parsing.base import Parser
from emberwatch.parsing.combo import ComboList
from emberwatch.parsing.csv_table import CsvTable
from emberwatch.parsing.filezilla import FileZilla
from emberwatch.parsing.json_records import JsonRecords
from emberwatch.parsing.sql_dump import SqlDump
from emberwatch.parsing.stealer import StealerBlocks
from emberwatch.parsing.ulp import Ulp

_ULP: Final[Parser] = Ulp()
PARSERS: Final[tuple[Parser, ...]] = (
    FileZilla(),
    SqlDump(),
    JsonRecords(),
    StealerBlocks(),
    CsvTable(),
    _ULP,
    ComboList(),
)

AUTO: Final = "auto"
CERTAIN: Final = 0.95
"""From here on nobody else is asked: archives hold thousands of small files of one format."""


def choose(head: bytes, name: str, forced: str | None = None) -> Parser:
    """The parser called ``forced``, or the one that is surest of data that begins with ``head``.

    Where none is sure at all the ULP reader takes the file: it accounts for every line that it cannot use.
    """
    if forced and forced != AUTO:
        return _named(forced)
    best, confidence = _ULP, 0.0
    for parser in PARSERS:
        sure = parser.sniff(head, name)
        if sure >= CERTAIN:
            return parser
        if sure > confidence:
            best, confidence = parser, sure
    return best


def _named(name: str) -> Parser:
    for parser in PARSERS:
        if parser.name == name:
            return parser
    known = ", ".join(parser.name for parser in PARSERS)
    raise BadInput("There is no such format.", remedy=f"Use {AUTO} or one of: {known}.", field="format")
