"""``GET /users/delta`` and ``GET /groups/delta``: a first round with everything, then rounds of changes.

What a client has to bear, as the service documents it: pages of any size and order, empty ones too, an object
more than once, changes told again, tokens that end. An object is always told as it is now; its relationships
are told as what joined and what left.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import quote, urlencode

from emberwatch.simulator.changes import WHOLE, Change, Link
from emberwatch.simulator.delta_query import DeltaQuery, read_delta
from emberwatch.simulator.delta_sources import Groups, NumberedLink, Source, Tracked, Users
from emberwatch.simulator.delta_tokens import DeltaState, seal
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import context_of
from emberwatch.simulator.graph_replies import bad_request, graph_headers
from emberwatch.simulator.messages import Reply, json_reply


@dataclass(frozen=True, slots=True)
class Telling:
    """One object to be told, and where the round stands behind it."""

    item: Object
    place: int
    unfinished: str = ""
    """The object, when more of its links follow."""
    links: int = 0
    """The number of the link behind which they follow."""


def users_delta(call: Call) -> Reply:
    """``GET /users/delta``."""
    return _Round(call, Users(call.directory)).reply()


def groups_delta(call: Call) -> Reply:
    """``GET /groups/delta``."""
    return _Round(call, Groups(call.directory)).reply()


class _Round:
    """One request of a round."""

    def __init__(self, call: Call, source: Source) -> None:
        if call.directory.delta.refused:
            raise bad_request(
                "Change enumeration is not supported for this directory.", "Request_UnsupportedQuery"
            )
        self.call, self.source = call, source
        self.rules = call.directory.delta
        self.query: DeltaQuery = read_delta(call, source)
        state = self.state = self.query.state
        names = state.select or source.default
        self.names = tuple(dict.fromkeys(("id", *(name for name in names if name in source.properties))))
        self.with_links = source.link in names
        # A request that is sent again gets the very same page.
        chance = f"{call.directory.world.seed} {state.since} {state.until} {state.place} {state.links}"
        self.rng = random.Random(chance)

    def reply(self) -> Reply:
        if self.query.latest:
            return self._answer([], None)
        if not self.state.blank and self.rng.random() < self.rules.empty_pages:
            return self._answer([], replace(self.state, blank=True))
        page, last = _cut(self._first() if self.state.first else self._changed(), self.rules.page)
        items = [telling.item for telling in page]
        items += [item for item in items if self.rng.random() < self.rules.repeats]
        if self.rules.shuffled:
            self.rng.shuffle(items)
        return self._answer(items, None if last is None else self._behind(last))

    def _behind(self, last: Telling) -> DeltaState:
        return replace(
            self.state, place=last.place, unfinished=last.unfinished, links=last.links, blank=False
        )

    def _answer(self, items: list[Object], following: DeltaState | None) -> Reply:
        body = context_of(self.call.origin, self.source.kind, self.state.select)
        if following is not None:
            body["@odata.nextLink"] = self._link("$skiptoken", replace(following, page=True))
        else:
            body["@odata.deltaLink"] = self._link("$deltatoken", self._next_round())
        applied = {"Preference-Applied": "return=minimal"} if self.query.minimal else {}
        headers = {**graph_headers(self.call.request), **applied}
        return json_reply(200, {**body, "value": items}, headers)

    def _next_round(self) -> DeltaState:
        told_again = not self.state.first and self.rng.random() < self.rules.repeats
        since = self.state.since if told_again else self.state.until
        begun = replace(self.state, since=since, place=since, first=False)
        return replace(begun, page=False, blank=False, unfinished="", links=0)

    def _link(self, name: str, state: DeltaState) -> str:
        directory = self.call.directory
        issued = replace(state, issued=directory.world.clock().timestamp())
        token = {name: seal(issued, directory.world.token_key)}
        base = f"{self.call.origin}/v1.0/{self.source.kind}/delta"
        return f"{base}?{urlencode(token, safe='$', quote_via=quote)}"

    def _first(self) -> Iterator[Telling]:
        before = self.state.place
        for tracked in self._existing(before):
            if tracked.reason and not self.rules.removed_at_first:
                continue
            told = self.with_links and not tracked.reason
            links = self.source.links(tracked.id, self._told_links(tracked.id)) if told else _no_links()
            yield from self._tell(self._item(tracked, WHOLE), tracked.id, links, before, tracked.number)
            before = tracked.number

    def _existing(self, after: int) -> Iterable[Tracked]:
        if not self.state.ids:
            return self.source.every(after)
        named = (self.source.find(object_id) for object_id in self.state.ids)
        return sorted((found for found in named if found.number > after), key=lambda found: found.number)

    def _changed(self) -> Iterator[Telling]:
        before = self.state.place
        for change in self.source.log.after(before, self.state.until):
            changes = self.source.log.of(change.id, self.state.since, self.state.until)
            names = frozenset().union(*(each.names for each in changes))
            # An object stands where it changed first; what happened to it later in the round is told with it.
            if change.number != changes[0].number or not self._concerns(change.id, names):
                continue
            item = self._item(self.source.find(change.id), names)
            told = self.with_links and "@removed" not in item
            links = _settled(changes, self._told_links(change.id)) if told else _no_links()
            yield from self._tell(item, change.id, links, before, change.number)
            before = change.number

    def _concerns(self, object_id: str, names: frozenset[str]) -> bool:
        if self.state.ids and object_id not in self.state.ids:
            return False
        tracked = set(self.state.select or self.source.properties)
        return names >= WHOLE or not names.isdisjoint(
            tracked | ({self.source.link} if self.with_links else set())
        )

    def _item(self, tracked: Tracked, names: frozenset[str]) -> Object:
        if tracked.reason:
            return {"id": tracked.id, "@removed": {"reason": tracked.reason}}
        shown = self.names
        if self.query.minimal and not names >= WHOLE:
            shown = tuple(name for name in shown if name == "id" or name in names)
        read, ever_set = tracked.properties.__getitem__, self.source.log.ever_set
        values = [(name, read(name)) for name in shown]
        # A property that was never set is left out, one that was emptied is not.
        return {n: v for n, v in values if v is not None or ever_set(tracked.id, n)}

    def _told_links(self, object_id: str) -> int:
        return self.state.links if self.state.unfinished == object_id else 0

    def _tell(
        self, item: Object, object_id: str, links: Iterator[NumberedLink], before: int, behind: int
    ) -> Iterator[Telling]:
        """The object, in as many pieces as its links need."""
        most = self.rules.links
        piece = list(islice(links, most + 1))
        while len(piece) > most:
            yield Telling(self._with(item, piece[:most]), before, object_id, piece[most - 1][0])
            piece = [piece[most], *islice(links, most)]
        yield Telling(self._with(item, piece), behind)

    def _with(self, item: Object, links: list[NumberedLink]) -> Object:
        return {**item, f"{self.source.link}@delta": [_shown(link) for _, link in links]} if links else item


def _cut(tellings: Iterator[Telling], size: int) -> tuple[list[Telling], Telling | None]:
    """A page, and its last object when there is more behind it. An unfinished object ends its page."""
    page: list[Telling] = []
    for telling in tellings:
        if len(page) == size or (page and page[-1].unfinished):
            return page, page[-1]
        page.append(telling)
    return page, None


def _no_links() -> Iterator[NumberedLink]:
    return iter(())


def _settled(changes: Iterable[Change], after: int) -> Iterator[NumberedLink]:
    """What became of each link that moved."""
    latest = {link.id: link for change in changes for link in change.links}
    return ((number, link) for number, link in enumerate(latest.values(), 1) if number > after)


def _shown(link: Link) -> Object:
    shown: Object = {"@odata.type": f"#microsoft.graph.{link.kind}", "id": link.id}
    return shown if link.present else {**shown, "@removed": {"reason": "deleted"}}
