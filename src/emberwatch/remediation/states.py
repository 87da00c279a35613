"""An account's state as JSON, for the step that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from emberwatch.directories.actions import AccountState


def as_json(state: AccountState) -> dict[str, Any]:
    """Without what was not asked for."""
    told = {field.name: getattr(state, field.name) for field in fields(state)}
    return {name: _plain(value) for name, value in told.items() if value not in (None, "")}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def from_json(found: Mapping[str, Any]) -> AccountState:
    return AccountState(**{name: _typed(name, value) for name, value in found.items()})


def _typed(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name.endswith("_at") else value
