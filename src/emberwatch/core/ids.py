"""Time-ordered identifiers: they sort by age, which keyset paging and index locality rely on."""

from __future__ import annotations

import uuid

from uuid_utils import compat


def new_id() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562)."""
    return compat.uuid7()
