"""What a list may show of a secret: its length and which kinds of characters it holds. Pure."""

from __future__ import annotations

from emberwatch.core.secret import Secret

_CLASSES = (("a", str.islower), ("A", str.isupper), ("1", str.isdigit))


def character_classes(secret: Secret) -> str:
    """``a`` lower case, ``A`` upper case, ``1`` digits, ``#`` anything else; in this order."""
    value = secret.expose()
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
