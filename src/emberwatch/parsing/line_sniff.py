"""How much of the beginning of a file reads as one credential a line, and how much of that has a url."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from emberwatch.parsing.decoding import clean
from emberwatch.parsing.line_profile import SAMPLE_LINES, cuts_of
from emberwatch.parsing.lines import split_lines
from emberwatch.parsing.noise import has_address, is_noise


# Two formats ask the same of one file.
@lru_cache(maxsize=1)
def sniff_lines(head: bytes) -> tuple[float, float]:
    """The share of telling lines that can be cut, and the share of those with a url."""
    lines = [clean(line) for line in islice(split_lines([head]), SAMPLE_LINES)]
    telling = [line for line in lines if has_address(line) or not is_noise(line)]
    cuts = cuts_of(telling)
    if not cuts:
        return 0.0, 0.0
    return len(cuts) / len(telling), sum(bool(found.url) for found in cuts) / len(cuts)
