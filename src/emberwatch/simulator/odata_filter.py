"""``$filter``: text to a small tree, and the tree over an object's properties.

Grammar (lowest first): ``or`` · ``and`` · ``not`` · ``( … )`` · ``property op literal`` ·
``property in (…)`` · ``startsWith(property,'x')`` · ``endsWith(property,'x')`` ·
``collection/any(v:v eq 'x')`` or ``collection/any(v:startsWith(v,'x'))``.
A quote inside a text is doubled; texts compare without regard to case. Which properties can be filtered for,
and how, is a :class:`Fields` for each collection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

Literal = str | bool | int | datetime | None

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z0-9_@.:+-]+(?:/[A-Za-z]+)*)|(?P<mark>[(),]))"
)
_WORDS: Final[Mapping[str, Literal]] = {"true": True, "false": False, "null": None}
_FUNCTIONS: Final[Mapping[str, str]] = {"startswith": "startsWith", "endswith": "endsWith"}


class Properties(Protocol):
    """What a filter looks at: an object's properties by name."""

    def __getitem__(self, name: str, /) -> Any: ...


class FilterError(Exception):
    """The filter cannot be read, or asks for what the property does not offer."""

    def __init__(self, message: str, *, unsupported: bool = False) -> None:
        super().__init__(message)
        self.unsupported = unsupported


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value``; on a collection ``any`` is set and one matching entry is enough."""

    field: str
    op: str
    value: Literal
    any: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class Both:
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Either:
    left: Node
    right: Node


Node = Compare | Not | Both | Either

_TEXT_OPS: Final = frozenset({"eq", "ne", "in", "startsWith", "endsWith"})
_EXACT_OPS: Final = frozenset({"eq", "ne", "in"})
_TIME_OPS: Final = frozenset({"eq", "ne", "ge", "le"})


@dataclass(frozen=True, slots=True)
class Fields:
    """What a collection can be filtered for: the operators of each property."""

    single: Mapping[str, frozenset[str]]
    many: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Properties that hold a list, for ``any``."""
    times: frozenset[str] = frozenset()
    """Properties held as times; the others compare as they are written."""
    numbers: frozenset[str] = frozenset()


USER_FIELDS: Final = Fields(
    single={
        "id": _EXACT_OPS,
        "userPrincipalName": _TEXT_OPS,
        "mail": _TEXT_OPS,
        "displayName": _TEXT_OPS,
        "givenName": _TEXT_OPS,
        "surname": _TEXT_OPS,
        "department": _TEXT_OPS,
        "jobTitle": _TEXT_OPS,
        "userType": _EXACT_OPS,
        "accountEnabled": _EXACT_OPS,
        "onPremisesSyncEnabled": _EXACT_OPS,
        "onPremisesImmutableId": _EXACT_OPS,
        "createdDateTime": _TIME_OPS,
    },
    many={
        "proxyAddresses": frozenset({"eq", "startsWith"}),
        "otherMails": frozenset({"eq", "startsWith", "endsWith"}),
        "imAddresses": frozenset({"eq", "startsWith"}),
    },
)
_ADVANCED_OPS: Final = frozenset({"ne", "endsWith"})


def _fold(value: object) -> Any:
    return value.casefold() if isinstance(value, str) else value


_TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda held, value: bool(held == value),
    "ne": lambda held, value: bool(held != value),
    "ge": lambda held, value: held is not None and bool(held >= value),
    "le": lambda held, value: held is not None and bool(held <= value),
    "startsWith": lambda held, value: held is not None and held.startswith(value),
    "endsWith": lambda held, value: held is not None and held.endswith(value),
}


def matches(node: Node, properties: Properties) -> bool:
    """Whether an object's properties satisfy the filter."""
    match node:
        case Both(left, right):
            return matches(left, properties) and matches(right, properties)
        case Either(left, right):
            return matches(left, properties) or matches(right, properties)
        case Not(inner):
            return not matches(inner, properties)
        case Compare(field, op, value, over_any):
            held = properties[field] if over_any else [properties[field]]
            return any(_TESTS[op](_fold(entry), _fold(value)) for entry in held)


def is_advanced(node: Node) -> bool:
    """Whether the service answers this only with ``ConsistencyLevel: eventual`` and ``$count=true``."""
    match node:
        case Both(left, right) | Either(left, right):
            return is_advanced(left) or is_advanced(right)
        case Not():
            return True
        case Compare(op=op, value=value):
            return op in _ADVANCED_OPS or value is None


def candidates(node: Node, lookup: Callable[[str, str], set[str] | None]) -> set[str] | None:
    """Ids among which every match is found, by index; None when only a full pass can tell."""
    match node:
        case Compare(field, "eq", str(value)):
            return lookup(field, value)
        case Both(left, right):
            first = candidates(left, lookup)
            return first if first is not None else candidates(right, lookup)
        case Either(left, right):
            first, second = candidates(left, lookup), candidates(right, lookup)
            return None if first is None or second is None else first | second
        case _:
            return None


def parse(text: str, fields: Fields = USER_FIELDS) -> Node:
    """The tree of a filter, or :class:`FilterError`."""
    parser = _Parser(list(_tokens(text)), fields)
    node = parser.either()
    if parser.rest:
        raise FilterError(f"syntax error at '{parser.rest[0]}'")
    return node


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None:
            raise FilterError(f"syntax error at position {position}")
        yield found[0].strip()
        position = found.end()


def _literal(token: str) -> Literal:
    if token.startswith("'"):
        return token[1:-1].replace("''", "'")
    return _WORDS.get(token.lower(), token)


class _Parser:
    def __init__(self, tokens: list[str], fields: Fields) -> None:
        self.rest = tokens
        self.fields = fields

    def take(self) -> str:
        if not self.rest:
            raise FilterError("the filter ends too early")
        return self.rest.pop(0)

    def expect(self, wanted: str) -> None:
        token = self.take()
        if token.lower() != wanted:
            raise FilterError(f"'{wanted}' was expected at '{token}'")

    def next_is(self, *words: str) -> bool:
        return bool(self.rest) and self.rest[0].lower() in words

    def either(self) -> Node:
        node = self.both()
        while self.next_is("or"):
            self.take()
            node = Either(node, self.both())
        return node

    def both(self) -> Node:
        node = self.single()
        while self.next_is("and"):
            self.take()
            node = Both(node, self.single())
        return node

    def single(self) -> Node:
        if self.next_is("not"):
            self.take()
            return Not(self.single())
        if self.next_is("("):
            self.take()
            node = self.either()
            self.expect(")")
            return node
        if self.next_is(*_FUNCTIONS):
            name, op, token = self.function()
            return self.checked(name, op, token)
        return self.comparison(self.take())

    def function(self) -> tuple[str, str, str]:
        op = _FUNCTIONS[self.take().lower()]
        self.expect("(")
        name = self.take()
        self.expect(",")
        token = self.take()
        self.expect(")")
        return name, op, token

    def comparison(self, name: str) -> Node:
        if name.endswith("/any"):
            return self.any(name.removesuffix("/any"))
        op = self.take().lower()
        if op == "in":
            return self.membership(name)
        return self.checked(name, op, self.take())

    def membership(self, name: str) -> Node:
        self.expect("(")
        node: Node = self.checked(name, "in", self.take())
        while self.next_is(","):
            self.take()
            node = Either(node, self.checked(name, "in", self.take()))
        self.expect(")")
        return node

    def any(self, name: str) -> Node:
        self.expect("(")
        head = self.take()
        # "v:v eq 'x'" and "v:startsWith(v,'x')" both begin with one word up to the blank or bracket.
        variable, colon, first = head.partition(":")
        if not colon:
            raise FilterError("a variable was expected in any()")
        if first:
            self.rest.insert(0, first)
        if self.next_is(*_FUNCTIONS):
            named, op, token = self.function()
        else:
            named, op, token = self.take(), self.take().lower(), self.take()
        self.expect(")")
        if named != variable:
            raise FilterError(f"'{named}' is not the variable of any()")
        _offered(name, op, self.fields.many)
        return Compare(name, op, _literal(token), any=True)

    def checked(self, name: str, op: str, token: str) -> Compare:
        _offered(name, op, self.fields.single)
        if name in self.fields.times:
            value: Literal = _time(token)
        elif name in self.fields.numbers:
            value = _number(token)
        else:
            value = _literal(token)
        return Compare(name, "eq" if op == "in" else op, value)


def _offered(name: str, op: str, offered: Mapping[str, frozenset[str]]) -> None:
    if op not in offered.get(name, ()):
        raise FilterError(f"Unsupported property filter clause for property '{name}'.", unsupported=True)


def _time(token: str) -> datetime:
    try:
        moment = datetime.fromisoformat(token)
    except ValueError:
        raise FilterError(f"'{token}' is not a time; one stands without quotes") from None
    if moment.tzinfo is None:
        raise FilterError(f"'{token}' has no time zone")
    return moment


def _number(token: str) -> int:
    if not token.isdecimal():
        raise FilterError(f"'{token}' is not a whole number")
    return int(token)
