"""What the reports share, risks, sign-ins and registrations: query options, ``$select`` and the reply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_collections import entity, whole_collection
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_query import Query, next_link, read_filter, read_page
from emberwatch.simulator.graph_replies import bad_request
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.odata_filter import Fields, Node

_OPTIONS: Final = frozenset({"$select", "$filter", "$top", "$skiptoken", "$orderby"})


@dataclass(frozen=True, slots=True)
class Report:
    """One of the lists."""

    path: str
    properties: frozenset[str]
    fields: Fields
    most: int
    """The largest page."""
    default: int
    orders: frozenset[str]
    """What ``$orderby`` may say: the order that the list has anyway."""


def read_report(call: Call, report: Report) -> tuple[Query, Node | None]:
    """The options of a request for a list; what would change the answer is not ignored in silence."""
    options = call.request.query
    for name in options:
        if name.startswith("$") and name not in _OPTIONS:
            raise bad_request(f"'{name}' is not supported here.", "Request_UnsupportedQuery")
    order = " ".join(options.get("$orderby", "").split())
    if order and order not in report.orders:
        raise bad_request(f"Unsupported sort property '{order}'.", "Request_UnsupportedQuery")
    text = options.get("$filter")
    wanted = None if text is None else read_filter(text, report.fields)
    return read_page(call.request, most=report.most, default=report.default), wanted


def report_page(call: Call, report: Report, rows: list[Object], following: int | None) -> Reply:
    """One page of a list, with the link to the next one."""
    link: Object = {}
    if following is not None:
        base = f"{call.origin}/v1.0/{report.path}"
        link["@odata.nextLink"] = next_link(base, call.request.query, following)
    return whole_collection(call, report.path, rows, report.properties, link)


def report_entry(call: Call, report: Report, row: Object) -> Reply:
    """One object of a list."""
    return entity(call, report.path, row, report.properties)
