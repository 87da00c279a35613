"""Which bytes to look for, so that no line of ours is missed and few others are looked at.

Every spelling of a watched name holds at least one of its literals. A literal is cut soon after the first dot:
whole names end alike (``.com``), and a search engine that sorts literals by their ends would stop at each of them.
What a cut literal finds too much is sorted out by a look at the bytes around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import idna

from emberwatch.core.patterns import lazy
from emberwatch.matching.watchlist import Watchlist

_ENOUGH: Final = 8
"""Bytes of a literal that the engine tells apart at full speed."""
_AFTER_DOT: Final = 2

_NO_LABEL: Final = b"[^0-9A-Za-z_-]"
_NO_ASCII: Final = rb"[\x80-\xff]"
_BEFORE_WEIGHT: Final = 2
_ASCII_RUN: Final = lazy(r"[\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class Literal:
    """One thing to look for, without case."""

    text: str
    """ASCII; the end of a hit is its end."""
    begins_name: bool = False
    """It begins where a watched name in its only spelling begins, so that the bytes around a hit tell all."""
    before: bytes = b""
    """As an expression: what must stand in front of it."""
    expression: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", self.before + re.escape(self.text.encode()))


def literals_of(watched: Watchlist, noisy: Iterable[str] = ()) -> tuple[Literal, ...]:
    """The literals of everything watched. What has a text of ``noisy`` is looked for as a whole instead."""
    common = frozenset(noisy)
    names, addresses = outermost(watched.names), sorted(watched.addresses)
    literals = [literal for name in names for literal in _of_name(name, common)]
    literals += [_of_address(address, common) for address in addresses]
    return tuple({literal.expression: literal for literal in literals}.values())


def outermost(names: Iterable[str]) -> list[str]:
    """Without those that lie below another one: whoever finds the outer one has found them."""
    listed = frozenset(names)
    return [name for name in sorted(listed) if not any(above in listed for above in _above(name))]


def _above(name: str) -> Iterator[str]:
    while name := name.partition(".")[2]:
        yield name


def _of_name(name: str, common: frozenset[str]) -> Iterator[Literal]:
    if "xn--" in name:
        yield from _of_idn(name)
        return
    text = name[: max(name.find(".") + 1 + _AFTER_DOT, _ENOUGH)]
    if text in common:
        yield Literal(name, begins_name=True, before=_NO_LABEL)
    else:
        yield Literal(text, begins_name=True)


def _of_address(address: str, common: frozenset[str]) -> Literal:
    local = address.rpartition("@")[0]
    if not local.isascii():
        return _rarest_run(local + "@") or Literal("@")
    # Behind the @ an international domain may be spelled in several ways.
    whole = local + "@" if "xn--" in address else address
    text = whole[: max(len(local) + 1, _ENOUGH)]
    return Literal(whole, before=_NO_LABEL) if text in common else Literal(text)


def _of_idn(name: str) -> Iterator[Literal]:
    """One part of an international name, in every form that it may have; the others may have any."""
    labels = name.split(".")
    choices = [_of_label(labels, at) for at in range(len(labels))]
    yield from max((each for each in choices if each), key=lambda literals: min(map(_weight, literals)))


def _weight(literal: Literal) -> int:
    return len(literal.text) + (_BEFORE_WEIGHT if literal.before else 0)


def _of_label(labels: list[str], at: int) -> tuple[Literal, ...]:
    """From this label on, as it is encoded and as it is written. ASCII letters are the same bytes in both."""
    following = list(_ascii_labels(labels[at + 1 :]))
    end = "." if at + 1 + len(following) < len(labels) else ""
    if not labels[at].startswith("xn--"):
        return (Literal((".".join([labels[at], *following]) + end)[:_ENOUGH]),)
    written = _rarest_run(".".join([idna.decode(labels[at]), *following]) + end)
    return (Literal(labels[at]), written) if written else ()


def _ascii_labels(labels: Iterable[str]) -> Iterator[str]:
    for label in labels:
        if label.startswith("xn--"):
            return
        yield label


def _rarest_run(text: str) -> Literal | None:
    """The longest run of ASCII in ``text``: other letters have several byte forms (case, composition, code page).

    A letter before the run, however it is written, ends in a byte that is not ASCII.
    """
    runs = [(found.start() > 0, found[0][:_ENOUGH]) for found in _ASCII_RUN.finditer(text)]
    literals = [Literal(run, before=_NO_ASCII if preceded else b"") for preceded, run in runs]
    return max(literals, key=_weight, default=None)
