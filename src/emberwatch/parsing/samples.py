"""The masked shape of an entry, fit for a page and a log."""

from __future__ import annotations

from typing import Final

from emberwatch.core.patterns import lazy

_HIDDEN: Final = lazy(r"[^@.:;|,/\t ]+")
_LENGTH: Final = 60


def shape_of(text: str) -> str:
    """Structure only: ``u@contoso.example:Secret`` becomes ``█@█.█:█``, so not even lengths are told."""
    return _HIDDEN.sub("█", text[: 20 * _LENGTH])[:_LENGTH].replace("\t", " ")
