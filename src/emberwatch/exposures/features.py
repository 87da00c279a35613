"""What a list may show of a secret: its length and which kinds of characters it holds. Pure."""

from __future__ import annotations

import string

from emberwatch.core.secret import Secret

_CLASSES = (("a", str.islower), ("A", str.isupper), ("1", str.isdigit))
_ASCII_CLASSES = (
    ("a", frozenset(string.ascii_lowercase)),
    ("A", frozenset(string.ascii_uppercase)),
    ("1", frozenset(string.digits)),
    ("#", frozenset(map(chr, range(128))) - frozenset(string.ascii_letters + string.digits)),
)


def character_classes(secret: Secret) -> str:
    """``a`` lower case, ``A`` upper case, ``1`` digits, ``#`` anything else; in this order."""
    value = secret.expose()
    if value.isascii():
        return "".join([mark for mark, members in _ASCII_CLASSES if not members.isdisjoint(value)])
    found = [mark for mark, test in _CLASSES if any(test(character) for character in value)]
    if any(not character.isalnum() for character in value):
        found.append("#")
    return "".join(found)


def is_printable_ascii(secret: Secret) -> bool:
    """Whether every character is one that the directory's own password rules know: letters, digits, signs, blank."""
    return all(" " <= character <= "~" for character in secret.expose())


def is_blank_edged(secret: Secret) -> bool:
    value = secret.expose()
    return value != value.strip()
