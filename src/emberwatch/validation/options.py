"""What an operator may set for a directory, as one value: read from what was typed, checked, and told apart. Pure.

Names are those of the table, of the API and of the command line alike.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import time
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from emberwatch.core.errors import BadInput
from emberwatch.validation.policy import (
    DEFAULT_PACE,
    FASTEST_PACE,
    SLOWEST_PACE,
    Hybrid,
    Mode,
    ProtectedKind,
    check_zone,
)

# Faster than this, the sign-in service may see an attack and block the address.
HASTY_PACE: Final = 5.0
MOST_ADDRESSES: Final = 50
# A wider range would hide other people's sign-ins from the SOC together with ours.
WIDEST_RANGES: Final = {4: 16, 6: 32}
LONGEST_SIGN_IN_NAME: Final = 320
LONGEST_NOTE: Final = 200

Member = TypeVar("Member", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Choices:
    """All choices of one connection. ``failed_attempts_allowed``: ``None`` leaves it at the rule."""

    mode: Mode = Mode.ATTEMPTS
    automatic_mode: Mode = Mode.OFF
    failed_attempts_allowed: int | None = None
    pace: float = DEFAULT_PACE
    hours_from: time | None = None
    hours_until: time | None = None
    time_zone: str = "UTC"
    hybrid: Hybrid = Hybrid.UNSTATED
    cloud_password_validation: bool = False
    confirm_likely: bool = True
    test_privileged: bool = False
    egress_addresses: tuple[str, ...] = ()


NAMES: Final = tuple(each.name for each in fields(Choices))


def revised(current: Choices, typed: Mapping[str, str]) -> Choices:
    """The choices with those replaced that were typed. Raises :class:`BadInput` with the field's name."""
    unknown = sorted(set(typed) - set(NAMES))
    if unknown:
        raise BadInput(
            f"There is no choice called {unknown[0][:64]}.", remedy=f"Choices: {', '.join(NAMES)}."
        )
    read: dict[str, Any] = {name: _READERS[name](name, text.strip()) for name, text in typed.items()}
    return replace(current, **read)


def checked(choices: Choices, rule: int) -> Choices:
    """The choices in their normal form. ``rule``: failed attempts that the lockout rule allows at most."""
    _check_attempts(choices.failed_attempts_allowed, rule)
    if not math.isfinite(choices.pace) or not SLOWEST_PACE <= choices.pace <= FASTEST_PACE:
        raise BadInput(
            f"The pace is {SLOWEST_PACE:g} to {FASTEST_PACE:g} sign-ins a second.",
            field="pace",
        )
    if (choices.hours_from is None) != (choices.hours_until is None):
        missing = "hours_from" if choices.hours_from is None else "hours_until"
        raise BadInput("Hours need a beginning and an end.", remedy="Or leave both empty.", field=missing)
    if choices.hours_from is not None and choices.hours_from == choices.hours_until:
        raise BadInput(
            "The hours begin and end at the same time.",
            remedy="Leave both empty for all day.",
            field="hours_until",
        )
    check_zone(choices.time_zone)
    return replace(choices, egress_addresses=addresses(choices.egress_addresses))


def _check_attempts(number: int | None, rule: int) -> None:
    if number is not None and not 0 <= number <= rule:
        raise BadInput(
            f"The lockout rule allows at most {rule} failed attempts per account and 24 hours in this directory.",
            remedy=f"Choose 0 to {rule}, or leave it empty; a choice can only lower it.",
            field="failed_attempts_allowed",
        )


def warnings(choices: Choices) -> list[str]:
    """What is allowed and should be thought over all the same."""
    found = []
    if choices.pace > HASTY_PACE:
        found.append(
            f"{choices.pace:g} sign-ins a second may look like an attack: the sign-in service may block the address, "
            f"which stops the directory. Up to {HASTY_PACE:g} is safer."
        )
    if choices.test_privileged:
        found.append("Privileged accounts are tried like all others; protect emergency accounts by name.")
    if choices.cloud_password_validation:
        found.append(
            "“Wrong” about a federated account is only as good as this statement; such verdicts stay likely."
        )
    return found


def difference(before: Choices, after: Choices) -> dict[str, list[Any]]:
    """What was changed, as JSON values: name → before and after."""
    pairs = ((name, plain(getattr(before, name)), plain(getattr(after, name))) for name in NAMES)
    return {name: [old, new] for name, old, new in pairs if old != new}


def plain(value: object) -> Any:
    """The value as JSON has it."""
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return list(value) if isinstance(value, tuple) else value


def as_typed(choices: Choices) -> dict[str, str]:
    """The choices as somebody would type them."""
    return {name: _typed(getattr(choices, name)) for name in NAMES}


def _typed(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "\n".join(value) if isinstance(value, tuple) else str(plain(value))


def addresses(given: Sequence[str]) -> tuple[str, ...]:
    """IP addresses and ranges in their normal form, each once. Raises :class:`BadInput`."""
    found = dict.fromkeys(_address(text) for text in given)
    if len(found) > MOST_ADDRESSES:
        raise BadInput(f"At most {MOST_ADDRESSES} addresses can be kept.", field="egress_addresses")
    return tuple(found)


def _address(text: str) -> str:
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError:
        raise BadInput(
            "One of the addresses is not an IP address or a range such as 203.0.113.0/28.",
            field="egress_addresses",
        ) from None
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.scope_id:
        raise BadInput("An address that holds on one machine alone says nothing.", field="egress_addresses")
    if network.prefixlen < WIDEST_RANGES[network.version]:
        raise BadInput(
            f"{network} is too wide: it would hide other people's sign-ins together with ours.",
            remedy=f"Name ranges of /{WIDEST_RANGES[network.version]} or narrower.",
            field="egress_addresses",
        )
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def protected_value(kind: ProtectedKind, text: str) -> str:
    """What stands on the list: lower case, an object id, or a sign-in name of an account."""
    value = text.strip().lower()
    try:
        return str(UUID(value))
    except ValueError:
        pass
    if kind is ProtectedKind.ACCOUNT and _is_sign_in_name(value):
        return value
    raise BadInput(_WANTED[kind], field="value")


def _is_sign_in_name(value: str) -> bool:
    name, at, domain = value.partition("@")
    whole = bool(name and at and domain) and "@" not in domain and len(value) <= LONGEST_SIGN_IN_NAME
    return whole and value.isprintable() and not any(c.isspace() for c in value)


_WANTED: Final[Mapping[ProtectedKind, str]] = {
    ProtectedKind.ACCOUNT: "An account is named by its sign-in name, such as ann@contoso.example, or its object ID.",
    ProtectedKind.GROUP: "A group is named by its object ID, such as 00000000-0000-0000-0000-000000000000.",
    ProtectedKind.ROLE: "A role is named by its template ID, such as 00000000-0000-0000-0000-000000000000.",
}


def _read_mode(name: str, text: str) -> Mode:
    return _member(Mode, name, text)


def _read_hybrid(name: str, text: str) -> Hybrid:
    return _member(Hybrid, name, text)


def _member(kind: type[Member], name: str, text: str) -> Member:
    try:
        return kind(text)
    except ValueError:
        raise BadInput(f"{name} is one of {', '.join(kind)}.", field=name) from None


def _read_number(name: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise BadInput(f"{name} is a whole number, or empty for the rule's own.", field=name)
    return int(text)


def _read_pace(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"{name} is a number such as 0.5 or 2.", field=name) from None


def _read_time(name: str, text: str) -> time | None:
    if not text:
        return None
    try:
        read = time.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is not None or text[2:3] != ":" or len(text) not in (5, 8):
        raise BadInput(f"{name} is a time of day such as 22:00, or empty.", field=name)
    return read.replace(second=0)


def _read_flag(name: str, text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise BadInput(f"{name} is yes or no.", field=name)
    return _FLAGS[text.lower()]


_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("yes", "true", "on", "1"), True),
    # A box that is not ticked arrives empty.
    **dict.fromkeys(("no", "false", "off", "0", ""), False),
}


def _read_addresses(_name: str, text: str) -> tuple[str, ...]:
    return addresses(text.replace(",", " ").split())


def _read_text(_name: str, text: str) -> str:
    return text[:64]


_READERS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "mode": _read_mode,
    "automatic_mode": _read_mode,
    "failed_attempts_allowed": _read_number,
    "pace": _read_pace,
    "hours_from": _read_time,
    "hours_until": _read_time,
    "time_zone": _read_text,
    "hybrid": _read_hybrid,
    "cloud_password_validation": _read_flag,
    "confirm_likely": _read_flag,
    "test_privileged": _read_flag,
    "egress_addresses": _read_addresses,
}
