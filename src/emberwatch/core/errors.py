"""Errors that services raise and the three shells turn into a page, a problem document or an exit code.

::

    EmberwatchError            message is one plain sentence, safe to show; never holds a secret
    ├── BadInput               what was given cannot be used            page 400, API 400/422, exit 2
    ├── NotFound               missing, or not yours: the same answer   404, exit 2
    ├── NotAllowed             your role does not permit it             403, exit 1
    ├── Conflict               the present state forbids it             409, exit 1
    └── Unavailable            something we depend on did not answer    503, exit 1
"""

from __future__ import annotations


class EmberwatchError(Exception):
    """Base of all errors that may be shown to a person."""

    def __init__(self, message: str, *, remedy: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        """What to do about it, one sentence, or empty."""
        self.field = field
        """Name of the input that is at fault, or empty."""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class BadInput(EmberwatchError):
    """What was given cannot be used."""


class NotFound(EmberwatchError):
    """It does not exist, or it belongs to someone else; the two look the same on purpose."""


class NotAllowed(EmberwatchError):
    """The actor's role does not permit it."""


class Conflict(EmberwatchError):
    """The present state forbids it."""


class Unavailable(EmberwatchError):
    """Something that this needs did not answer."""
