"""Scenario files: JSON or TOML to the frozen dataclasses; what is unknown is refused, with its path."""

from __future__ import annotations

import dataclasses
import json
import tomllib
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from emberwatch.simulator.scenario import Scenario, ScenarioError
from emberwatch.simulator.scenario_check import check

_PLAIN_NAMES: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def load_scenario(path: Path) -> Scenario:
    """Read a ``.json`` or ``.toml`` file, or raise :class:`ScenarioError`."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ScenarioError(f"{path}: is not valid {path.suffix.lstrip('.') or 'JSON'}: {error}") from None
    return scenario_from(raw)


def scenario_from(raw: object) -> Scenario:
    """A checked scenario from plain data."""
    built: Scenario = build(Scenario, raw, "")
    return check(built)


def build(kind: Any, raw: object, path: str) -> Any:
    """A value of the annotated type ``kind`` from plain data."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        return None if raw is None else build(next(a for a in args if a is not type(None)), raw, path)
    if origin is tuple:
        return _build_tuple(args[0], raw, path)
    if origin is Literal:
        return _one_of(args, raw, path)
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(kind, raw, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(_one_of(tuple(member.value for member in kind), raw, path))
    if kind is datetime:
        return _build_time(raw, path)
    return _build_mapping(raw, path) if origin is not None else _build_plain(kind, raw, path)


def _build_tuple(kind: Any, raw: object, path: str) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        raise _fault(path, "must be a list", raw)
    return tuple(build(kind, item, f"{path}[{number}]") for number, item in enumerate(raw))


def _build_dataclass(kind: Any, raw: object, path: str) -> Any:
    entries = _build_mapping(raw, path)
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in entries:
        if name not in fields:
            raise ScenarioError(f"{_join(path, name)}: unknown key; known keys: {', '.join(sorted(fields))}")
    for name, field in fields.items():
        needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if needed and name not in entries:
            raise ScenarioError(f"{_join(path, name)}: is missing")
    return kind(**{name: build(hints[name], value, _join(path, name)) for name, value in entries.items()})


def _build_mapping(raw: object, path: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _fault(path, "must be an object", raw)
    return raw


def _build_time(raw: object, path: str) -> datetime:
    try:
        moment = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw))
    except ValueError:
        raise _fault(path, "must be a time such as 2026-01-02T03:04:05Z", raw) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _build_plain(kind: Any, raw: object, path: str) -> Any:
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if type(raw) is not kind:
        raise _fault(path, f"must be {_PLAIN_NAMES[kind]}", raw)
    return raw


def _one_of(allowed: tuple[Any, ...], raw: object, path: str) -> Any:
    if raw not in allowed:
        raise _fault(path, f"must be one of {', '.join(map(str, allowed))}", raw)
    return raw


def _fault(path: str, must: str, raw: object) -> ScenarioError:
    where = path or "the scenario"
    # A value may be a password: say what it is, not what it holds.
    return ScenarioError(f"{where}: {must}, not {type(raw).__name__}", field=path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
