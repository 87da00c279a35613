"""The cheap question that most lines of a leak stop at: can a login of ours stand in this line at all?

All hints become one expression that shares their common beginnings, so that ten thousand domains cost a line
little more than one does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import groupby
from typing import Final

# A line that holds a hint holds its beginning too. This much tells domains apart, and it bounds how deep the
# expression nests.
_LONGEST: Final = 24


@lru_cache(maxsize=16)
def prefilter(hints: tuple[bytes, ...]) -> Callable[[bytes], bool]:
    """Whether a line may hold one of the lower-case ``hints``; without any, every line may."""
    if not hints:
        return lambda line: True  # noqa: ARG005
    search = re.compile(_expression({hint[:_LONGEST] for hint in hints})).search
    return lambda line: search(line.lower()) is not None


@lru_cache(maxsize=16)
def text_prefilter(hints: tuple[bytes, ...]) -> Callable[[str], bool]:
    """The same question for decoded text."""
    if not hints:
        return lambda text: True  # noqa: ARG005
    search = re.compile(_expression({hint[:_LONGEST] for hint in hints}).decode("latin-1")).search
    return lambda text: search(text.lower()) is not None


def _expression(literals: Iterable[bytes]) -> bytes:
    ordered = sorted(literals)
    # What begins with a shorter literal is found by that one.
    if not ordered or not ordered[0]:
        return b""
    branches = [
        re.escape(first) + _expression({literal[1:] for literal in group})
        for first, group in groupby(ordered, key=lambda literal: literal[:1])
    ]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"
