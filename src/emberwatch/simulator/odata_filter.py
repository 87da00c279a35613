"""``$filter`` for users: text to a small tree, and the tree over a user's properties.

Grammar (lowest first): ``or`` · ``and`` · ``not`` · ``( … )`` · ``property op literal`` ·
``property in (…)`` · ``startsWith(property,'x')`` · ``endsWith(property,'x')`` ·
``collection/any(v:v eq 'x')`` or ``collection/any(v:startsWith(v,'x'))``.
A quote inside a text is doubled; texts compare without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Properties = Mapping[str, Any]
Literal = str | bool | None

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z0-9_@.:+-]+(?:/[A-Za-z]+)*)|(?P<mark>[(),]))"
)
_WORDS: Final[Mapping[str, Literal]] = {"true": True, "false": False, "null": None}
_FUNCTIONS: Final[Mapping[str, str]] = {"startswith": "startsWith", "endswith": "endsWith"}


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
FILTERABLE: Final[Mapping[str, frozenset[str]]] = {
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
}
FILTERABLE_COLLECTIONS: Final[Mapping[str, frozenset[str]]] = {
    "proxyAddresses": frozenset({"eq", "startsWith"}),
    "otherMails": frozenset({"eq", "startsWith", "endsWith"}),
    "imAddresses": frozenset({"eq", "startsWith"}),
}
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


def parse(text: str) -> Node:
    """The tree of a filter, or :class:`FilterError`."""
    parser = _Parser(list(_tokens(text)))
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
    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

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
            field, op, value = self.function()
            return _checked(field, op, value)
        return self.comparison(self.take())

    def function(self) -> tuple[str, str, Literal]:
        op = _FUNCTIONS[self.take().lower()]
        self.expect("(")
        field = self.take()
        self.expect(",")
        value = _literal(self.take())
        self.expect(")")
        return field, op, value

    def comparison(self, field: str) -> Node:
        if field.endswith("/any"):
            return self.any(field.removesuffix("/any"))
        op = self.take().lower()
        if op == "in":
            return self.membership(field)
        return _checked(field, op, _literal(self.take()))

    def membership(self, field: str) -> Node:
        self.expect("(")
        node: Node = _checked(field, "in", _literal(self.take()))
        while self.next_is(","):
            self.take()
            node = Either(node, _checked(field, "in", _literal(self.take())))
        self.expect(")")
        return node

    def any(self, field: str) -> Node:
        self.expect("(")
        head = self.take()
        # "v:v eq 'x'" and "v:startsWith(v,'x')" both begin with one word up to the blank or bracket.
        variable, colon, first = head.partition(":")
        if not colon:
            raise FilterError("a variable was expected in any()")
        if first:
            self.rest.insert(0, first)
        if self.next_is(*_FUNCTIONS):
            name, op, value = self.function()
        else:
            name, op, value = self.take(), self.take().lower(), _literal(self.take())
        self.expect(")")
        if name != variable:
            raise FilterError(f"'{name}' is not the variable of any()")
        return _checked_collection(field, op, value)


def _checked(field: str, op: str, value: Literal) -> Compare:
    offered = FILTERABLE.get(field)
    if offered is None or op not in offered:
        raise FilterError(f"Unsupported property filter clause for property '{field}'.", unsupported=True)
    return Compare(field, "eq" if op == "in" else op, value)


def _checked_collection(field: str, op: str, value: Literal) -> Compare:
    if op not in FILTERABLE_COLLECTIONS.get(field, ()):
        raise FilterError(f"Unsupported property filter clause for property '{field}'.", unsupported=True)
    return Compare(field, op, value, any=True)
