"""Which directory roles make an account privileged, and which let an app change such an account."""

from __future__ import annotations

from typing import Final

# Whoever holds nothing but these can change nothing, so that anybody who may change accounts may change theirs.
_HARMLESS: Final = frozenset(
    {
        "4a5d8f65-41da-4de4-8968-e035b65339cf",  # Reports Reader
        "75934031-6c7e-415a-99d7-48dbd49e875e",  # Usage Summary Reports Reader
        "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",  # Message Center Reader
        "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",  # Directory Readers
        "ac16e43d-7b2d-40e0-ac05-243ff356ab5b",  # Message Center Privacy Reader
    }
)
GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: Final = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
_SUFFICIENT: Final = frozenset({GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR})


def may_change(own: frozenset[str], target: frozenset[str]) -> bool:
    """Whether an app with these roles may change an account with those; both by template id."""
    return target <= _HARMLESS or not own.isdisjoint(_SUFFICIENT)
