"""Coverage-guided fuzzing of everything that reads untrusted bytes: ``python -m bench.fuzz_parsers [RUNS] [SECONDS]``.

Needs ``pip install atheris`` (Linux). Each input goes through every parser, with and without an owner's domains. No
parser may raise, and how a file is cut into chunks may change nothing. A failing input is kept and shown by its name.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

try:
    import atheris
except ImportError:
    sys.exit("Fuzzing needs atheris: .venv/bin/pip install atheris")

with atheris.instrument_imports(include=["emberwatch.parsing", "emberwatch.matching"]):
    from emberwatch.matching.domains import DomainSet
    from emberwatch.parsing.base import ANYBODY, Foreign, LineFormat, ParseContext, ParsedCredential, Tabular
    from emberwatch.parsing.cookie_files import looks_like_cookies
    from emberwatch.parsing.cookies import read_cookies
    from emberwatch.parsing.json_cookies import read_json_cookies
    from emberwatch.parsing.lines import split_lines
    from emberwatch.parsing.reading import read_chunks
    from emberwatch.parsing.registry import PARSERS, choose
    from emberwatch.parsing.system_info import parse_system_info

from tests.corpus.generator import corpus

RUNS: Final = 20_000
SECONDS: Final = 600
_LONGEST: Final = 4096
_SEED_ENTRIES: Final = 3
_WATCHED: Final = DomainSet(["contoso.example", "bücher.example"])
_OURS: Final = ParseContext(
    is_ours=_WATCHED.owns, hints=_WATCHED.hints, host_is_ours=lambda host: _WATCHED.owns(f"x@{host}")
)


def one_input(data: bytes) -> None:
    """Every parser on one file."""
    choose(data, "leak.txt")
    for parser in PARSERS:
        for context in (ANYBODY, _OURS):
            whole = [repr(outcome) for outcome in read_chunks(parser, [data], context)]
            parts = [repr(outcome) for outcome in read_chunks(parser, _chunks(data), context)]
            assert whole == parts, (parser.name, "chunks")  # noqa: S101 - what fuzzing looks for
        _check_owner(parser.name, list(read_chunks(parser, [data], _OURS)))
        if isinstance(parser, Tabular):
            parser.columns(data)
        if isinstance(parser, LineFormat):
            read = parser.line_reader(data, _OURS)
            for number, line in enumerate(split_lines([data]), start=1):
                read(number, line)
    list(read_cookies(split_lines([data])))
    list(read_json_cookies(_chunks(data)))
    looks_like_cookies(data)
    parse_system_info(data, data[:80].decode("latin-1"))


def _check_owner(name: str, outcomes: list[object]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, ParsedCredential):
            assert _OURS.match(outcome.login, outcome.url) is outcome.match, (name, "owner")  # noqa: S101
        elif isinstance(outcome, Foreign):
            assert outcome.line > 0, (name, "line")  # noqa: S101


def _chunks(data: bytes) -> Iterator[bytes]:
    size = 1 + len(data) % 7
    return (data[at : at + size] for at in range(0, len(data), size))


def _seeds(folder: Path) -> None:
    for number, leak in enumerate(corpus(7, _SEED_ENTRIES)):
        (folder / f"{number:03}").write_bytes(leak.data[:_LONGEST])


def main(arguments: list[str]) -> None:
    runs, seconds = ([int(text) for text in arguments] + [RUNS, SECONDS][len(arguments) :])[:2]
    with tempfile.TemporaryDirectory() as folder:
        _seeds(Path(folder))
        limits = [f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={_LONGEST}", "-timeout=20"]
        atheris.Setup([sys.argv[0], *limits, folder], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
