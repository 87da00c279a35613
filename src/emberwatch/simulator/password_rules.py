"""The rules that a new password has to keep, as the service documents them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_SHORTEST: Final = 8
_LONGEST: Final = 256
_CLASSES: Final[tuple[Callable[[str], bool], ...]] = (
    str.islower,
    str.isupper,
    str.isdecimal,
    lambda character: not character.isalnum(),
)
_CLASSES_NEEDED: Final = 3
_SHORTEST_NAME: Final = 3
"""A shorter name is in too many passwords by accident."""


def complies(password: str, upn: str) -> bool:
    """Whether the account may have this password."""
    name = upn.partition("@")[0].casefold()
    if len(name) >= _SHORTEST_NAME and name in password.casefold():
        return False
    classes = sum(any(map(is_one, password)) for is_one in _CLASSES)
    return _SHORTEST <= len(password) <= _LONGEST and classes >= _CLASSES_NEEDED
