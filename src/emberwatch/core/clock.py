"""Time enters as an argument: code takes ``now`` or a :data:`Clock`, and only shells read the real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)
