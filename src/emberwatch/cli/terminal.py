"""Text that a leak may have written, on its way to a terminal."""

from __future__ import annotations


def visible(text: str) -> str:
    """With every character that could steer a terminal written out as its code."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
