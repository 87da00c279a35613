"""What stands between the entries of a leak: banners, box drawings, adverts, channel names."""

from __future__ import annotations

import re
from typing import Final

from emberwatch.core.patterns import lazy

# Looking back from the sign lets the search leap from one sign to the next.
_ADDRESS: Final = lazy(rb"@(?<=[^\s@]@)[^\s@]")
_ASCII_WORD: Final = lazy(rb"[0-9A-Za-z]")
_BOXED: Final = lazy(rb"\s*([*|#=+~<>-]).*[*|#=+~<>-]\s*", re.DOTALL)
_ADVERT: Final = lazy(
    rb"\bt\.me/|\btelegram\b|\bdiscord\.gg/|\bfree logs?\b|\blog tools?\b|\bseller\s*:|^\W*@\w+\W*$",
    re.IGNORECASE,
)
_FIELDS: Final = lazy(rb"\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*://)?[^:;|\t\s][^:;|\t]*[:;|\t]\s*\S", re.DOTALL)
_SITE_AND_NAME: Final = lazy(rb"\s*[a-zA-Z][a-zA-Z0-9+.-]*://\S+\s+\S", re.DOTALL)


def has_address(line: bytes) -> bool:
    return _ADDRESS.search(line) is not None


def is_noise(line: bytes) -> bool:
    """Whether a line that holds no address is no entry at all."""
    if _BOXED.fullmatch(line) or _ADVERT.search(line):
        return True
    if _ASCII_WORD.search(line):
        return False
    return not any(map(str.isalnum, line.decode("utf-8", "replace")))


def looks_like_entry(line: bytes) -> bool:
    """Whether a line has the outline of login and password, whoever they belong to."""
    return bool(_FIELDS.match(line) or _SITE_AND_NAME.match(line))
