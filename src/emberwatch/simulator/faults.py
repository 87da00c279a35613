"""Faults on purpose: rules that slow, refuse or cut requests, by count or by chance, from a seeded source."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

FaultKind = Literal["latency", "401", "429", "5xx", "drop", "drop_after", "hang"]
_CHANNELS: Final = frozenset({"any", "token", "graph", "login", "portal", "item", "write"})
# An item shares its connection with the others of its batch: only what can be said in its reply befalls it.
_ROUGH: Final[Sequence[FaultKind]] = ("429", "5xx", "drop", "drop_after")
_FATES_OF_ITEMS: Final = frozenset({"latency", "429", "5xx"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One fault.

    ``latency`` waits ``seconds`` and goes on. ``429`` and ``5xx`` answer without acting, and so does ``401``:
    Graph takes the token for one that has expired. ``drop`` closes the
    connection before acting, ``drop_after`` acts and then closes it without a reply: the caller cannot know.
    ``hang`` keeps the connection open for ``seconds`` without acting, then closes it.
    Single items of a Graph batch are met by ``429`` and ``5xx``, through ``item`` or a path.
    """

    where: str
    """``any``, ``token``, ``graph``, ``login``, ``portal``, ``item`` (each request inside a batch), ``write``
    (whatever changes something through Graph, in a batch or alone), or a regular expression searched in the
    path, of a batch's items too."""
    kind: FaultKind
    count: int | None = None
    """Strike so many times; None: without end."""
    rate: float = 1.0
    """Chance of striking."""
    skip: int = 0
    """Let so many matching requests pass first."""
    seconds: float | None = None
    retry_after: int | None = None
    status: int = 503
    body: Literal["json", "html", "empty"] = "json"

    def matches(self, channel: str, path: str, method: str = "GET") -> bool:
        if self.kind == "401" and channel != "graph":
            return False
        if channel == "item" and (self.where == "any" or self.kind not in _FATES_OF_ITEMS):
            return False
        if self.where == "write":
            return channel in ("graph", "item") and method != "GET" and not path.endswith("/$batch")
        if self.where in _CHANNELS:
            return self.where in ("any", channel)
        return re.search(self.where, path) is not None


def turbulence(
    rate: float, *, where: str = "graph", retry_after: int | None = None, kinds: Sequence[FaultKind] = _ROUGH
) -> tuple[FaultRule, ...]:
    """Rules under which this share of all replies is throttled, refused or lost, each kind as often."""
    share = rate / len(kinds)
    # A rule is asked only when those before it let the request pass: its own chance has to be higher.
    chances = [share / (1 - share * before) for before in range(len(kinds))]
    return tuple(
        FaultRule(where=where, kind=kind, rate=chance, retry_after=retry_after)
        for kind, chance in zip(kinds, chances, strict=True)
    )


@dataclass(slots=True)
class _Armed:
    rule: FaultRule
    skip: int = field(init=False)
    left: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.skip, self.left = self.rule.skip, self.rule.count

    def strikes(self, rng: random.Random) -> bool:
        if self.left == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if rng.random() >= self.rule.rate:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class FaultPlan:
    """The rules in force. Waiting adds up; of the others the first that strikes decides."""

    def __init__(self, rules: Iterable[FaultRule] = (), *, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._guard = threading.Lock()
        self._armed: list[_Armed] = []
        self.replace(rules)

    def replace(self, rules: Iterable[FaultRule]) -> None:
        """Put these rules in force instead of the present ones."""
        armed = [_Armed(rule) for rule in rules]
        with self._guard:
            self._armed = armed

    def add(self, rule: FaultRule) -> None:
        with self._guard:
            self._armed.append(_Armed(rule))

    def clear(self) -> None:
        self.replace(())

    def decide(self, channel: str, path: str, method: str = "GET") -> tuple[float, FaultRule | None]:
        """Seconds to wait first, and the rule that then decides the request's fate, if any."""
        wait, fate = 0.0, None
        with self._guard:
            for armed in self._armed:
                if not armed.rule.matches(channel, path, method):
                    continue
                if armed.rule.kind == "latency":
                    wait += (armed.rule.seconds or 0.0) if armed.strikes(self._rng) else 0.0
                elif fate is None and armed.strikes(self._rng):
                    fate = armed.rule
        return wait, fate
