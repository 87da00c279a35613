"""Collections and single objects of Graph that are small enough to be built anew for each request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import context_of, next_link, pick, read_filter, read_page, take_page
from emberwatch.simulator.graph_replies import bad_request, object_reply
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.odata_filter import Fields, matches

_OPTIONS: Final = frozenset({"$select", "$top", "$skiptoken", "$count"})


def paged(
    call: Call, entity_set: str, rows: Sequence[Object], known: frozenset[str], fields: Fields | None = None
) -> Reply:
    """One page of the rows. Options that would change which rows there are must not be ignored in silence."""
    options = call.request.query
    for name in options:
        if name not in _OPTIONS and not (name == "$filter" and fields is not None):
            raise bad_request(f"'{name}' is not supported here.", "Request_UnsupportedQuery")
    if fields is not None and "$filter" in options:
        wanted = read_filter(options["$filter"], fields)
        rows = [row for row in rows if matches(wanted, row)]
    page, following = take_page(read_page(call.request), list(enumerate(rows, 1)))
    link: Object = {}
    # Without the header the service ignores the count instead of refusing it.
    if options.get("$count", "").lower() == "true" and call.eventual:
        link["@odata.count"] = len(rows)
    if following is not None:
        link["@odata.nextLink"] = next_link(f"{call.origin}{quote(call.request.path)}", options, following)
    return whole_collection(call, entity_set, page, known, link)


def whole_collection(
    call: Call, entity_set: str, rows: list[Object], known: frozenset[str], link: Object | None = None
) -> Reply:
    """These rows in one reply, with ``$select``, and a link to further ones if there are any."""
    select = selected(call, entity_set, known)
    body = context_of(call.origin, entity_set, select)
    body.update(link or {})
    body["value"] = [pick(row, ("@odata.type", *select)) if select else row for row in rows]
    return object_reply(call.request, body)


def entity(call: Call, entity_set: str, row: Object, known: frozenset[str]) -> Reply:
    """One object, with ``$select``."""
    select = selected(call, entity_set, known)
    head = context_of(call.origin, entity_set, select, single=True)
    return object_reply(call.request, {**head, **(pick(row, ("@odata.type", *select)) if select else row)})


def selected(call: Call, entity_set: str, known: frozenset[str]) -> tuple[str, ...]:
    """The names of ``$select``, or a 400 that says which one is unknown."""
    select = tuple(name for name in call.request.query.get("$select", "").split(",") if name)
    for name in select:
        if name not in known:
            raise bad_request(f"'{name}' is not a property of '{entity_set}'.", "BadRequest")
    return select
