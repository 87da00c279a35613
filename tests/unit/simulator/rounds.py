"""A client of delta queries that keeps what it is told, as the documentation asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.unit.simulator.worlds import ORIGIN, Answer, Lab


@dataclass
class Follower:
    """What a delta client holds: objects by id, the links of each, and the link of the next round."""

    lab: Lab
    first: str
    link: str = "manager"
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, set[str]] = field(default_factory=dict)
    next: str = ""
    pages: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)

    def round(self, **headers: str) -> list[dict[str, Any]]:
        """Follow one round to its end; what it told, in order."""
        for _ in self.pages_of_a_round(**headers):
            pass
        return self.told

    def pages_of_a_round(self, **headers: str) -> Iterator[int]:
        """The same page by page: the caller may change the directory between them."""
        self.told = []
        for answer in self._answers(self.next or self.first, headers):
            self.pages += 1
            for item in answer.body["value"]:
                self.told.append(item)
                self._keep(item)
            yield self.pages

    def _answers(self, target: str, headers: dict[str, str]) -> Iterator[Answer]:
        while target:
            answer = self.lab.graph(target, **headers)
            assert answer.status == 200, answer.body
            body = answer.body
            assert ("@odata.nextLink" in body) != ("@odata.deltaLink" in body)
            target = below(body.get("@odata.nextLink", ""))
            self.next = below(body.get("@odata.deltaLink", ""))
            yield answer

    def _keep(self, item: dict[str, Any]) -> None:
        if "@removed" in item:
            self.objects.pop(item["id"], None)
            self.links.pop(item["id"], None)
            return
        moved = item.get(f"{self.link}@delta", [])
        plain = {name: value for name, value in item.items() if "@" not in name}
        self.objects[item["id"]] = {**self.objects.get(item["id"], {}), **plain}
        for entry in moved:
            held = self.links.setdefault(item["id"], set())
            (held.discard if "@removed" in entry else held.add)(entry["id"])


def below(link: str) -> str:
    """A link without the server's address and version."""
    return link.removeprefix(f"{ORIGIN}/v1.0")
