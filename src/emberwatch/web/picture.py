"""What an account opens as a picture: the most important of it in columns, with the rest as a number. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from emberwatch.identities.reach import Kind, Opened, Reach

Node: TypeAlias = dict[str, Any]

# More than these nobody can read; the table holds all.
MOST: Final[Mapping[Kind, int]] = {Kind.ROLE: 8, Kind.GROUP: 10, Kind.APPLICATION: 10}
PERSON: Final = "person"
_WORDS: Final = {
    Kind.ROLE: ("role", "roles"),
    Kind.GROUP: ("group", "groups"),
    Kind.APPLICATION: ("application", "applications"),
}


def picture_of(name: str, reach: Reach) -> dict[str, list[Node]]:
    """Nodes with the column that each stands in, and links from what gives to what is given."""
    shown = _shown(reach)
    columns = {each.object_id: 1 if each.via is None else 2 for each in shown if each.kind is Kind.GROUP}
    last = max(columns.values(), default=0) + 1
    person = {"id": PERSON, "name": name, "kind": PERSON, "column": 0, "privileged": False}
    rest = [_rest(kind, reach, shown, last) for kind in Kind]
    return {
        "nodes": [
            person,
            *(_node(each, columns.get(each.object_id, last)) for each in shown),
            *filter(None, rest),
        ],
        "links": [
            *({"from": _giver(each, columns), "to": str(each.object_id)} for each in shown),
            *({"from": PERSON, "to": node["id"]} for node in rest if node),
        ],
    }


def _shown(reach: Reach) -> list[Opened]:
    """The most important of each kind; groups that give one of the others come before groups that give nothing."""
    given = [each for kind in (Kind.ROLE, Kind.APPLICATION) for each in reach.of(kind)[: MOST[kind]]]
    return [*_groups(reach, given), *given]


def _groups(reach: Reach, given: Iterable[Opened]) -> list[Opened]:
    groups = {each.object_id: each for each in reach.of(Kind.GROUP)}
    wanted: dict[UUID, Opened] = {}
    for each in (*given, *groups.values()):
        chain = _chain(each, groups)
        if len(wanted.keys() | {link.object_id for link in chain}) <= MOST[Kind.GROUP]:
            wanted |= {link.object_id: link for link in chain}
    return sorted(wanted.values(), key=lambda each: (not each.privileged, each.name.casefold()))


def _chain(each: Opened, groups: Mapping[UUID, Opened]) -> list[Opened]:
    """The groups on the way from the account to something, itself when it is one."""
    chain: list[Opened] = []
    at: Opened | None = each if each.kind is Kind.GROUP else groups.get(each.via) if each.via else None
    while at is not None and at not in chain:
        chain.append(at)
        at = groups.get(at.via) if at.via else None
    return chain


def _giver(each: Opened, columns: Mapping[UUID, int]) -> str:
    return str(each.via) if each.via in columns else PERSON


def _node(each: Opened, column: int) -> Node:
    return {
        "id": str(each.object_id),
        "name": each.name,
        "kind": each.kind.value,
        "column": column,
        "privileged": each.privileged,
    }


def _rest(kind: Kind, reach: Reach, shown: Sequence[Opened], last: int) -> Node | None:
    more = len(reach.of(kind)) - sum(1 for each in shown if each.kind is kind)
    if not more:
        return None
    one, several = _WORDS[kind]
    words = f"and {more:,} more {one if more == 1 else several}"
    return {
        "id": f"more {kind.value}",
        "name": words,
        "kind": "more",
        "column": 1 if kind is Kind.GROUP else last,
        "privileged": False,
    }
