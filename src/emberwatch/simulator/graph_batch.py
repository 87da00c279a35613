"""``POST /$batch``: up to twenty requests in one, each answered by the same routes, gates and limits as alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_replies import GraphError, bad_request, error_reply, object_reply
from emberwatch.simulator.journal import Entry
from emberwatch.simulator.messages import Reply, Request

_MOST: Final = 20
_METHODS: Final = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_FAULT_STATUS: Final[Mapping[int, str]] = {429: "TooManyRequests"}


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch, already checked."""

    id: str
    request: Request
    depends_on: tuple[str, ...]


def batch(call: Call) -> Reply:
    """Answer every item; the order of the answers is not that of the questions."""
    items = _items(call)
    answered: dict[str, Reply] = {}
    for item in _in_order(items):
        failed = any(answered[name].status >= 400 for name in item.depends_on)
        answered[item.id] = _not_tried(call, item) if failed else _answer(call, item)
    answers = [_shown(name, reply) for name, reply in answered.items()]
    call.directory.world.rng.shuffle(answers)
    return object_reply(call.request, {"responses": answers})


def _items(call: Call) -> dict[str, Item]:
    try:
        body = json.loads(call.request.body)
    except ValueError:
        raise bad_request("The batch is not valid JSON.", "BadRequest") from None
    rows = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows:
        raise bad_request("A batch needs the array 'requests'.", "BadRequest")
    if len(rows) > _MOST:
        raise bad_request(f"Number of batch request steps exceeds max value of {_MOST}.", "BadRequest")
    items: dict[str, Item] = {}
    for row in rows:
        item = _item(call, row)
        if item.id in items:
            raise bad_request(f"Request id '{item.id}' is not unique in the batch.", "BadRequest")
        items[item.id] = item
    return items


def _item(call: Call, row: object) -> Item:
    if not isinstance(row, dict):
        raise bad_request("Every request of a batch must be an object.", "BadRequest")
    name, method, url = row.get("id"), row.get("method"), row.get("url")
    if not isinstance(name, str) or not name:
        raise bad_request("Every request of a batch needs an id.", "BadRequest")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise bad_request(f"Request '{name}' has no known method.", "BadRequest")
    if not isinstance(url, str) or not url.strip("/") or "://" in url.partition("?")[0]:
        raise bad_request(f"Request '{name}' needs a relative url.", "BadRequest")
    depends_on = row.get("dependsOn") or []
    if not isinstance(depends_on, list):
        raise bad_request(f"Request '{name}': dependsOn must be an array.", "BadRequest")
    return Item(name, _request(call, method.upper(), url, row), tuple(map(str, depends_on)))


def _request(call: Call, method: str, url: str, row: Mapping[str, Any]) -> Request:
    own = row.get("headers") or {}
    if not isinstance(own, dict):
        raise bad_request(f"Request '{row['id']}': headers must be an object.", "BadRequest")
    headers = {str(name).lower(): str(value) for name, value in own.items()}
    body = json.dumps(row["body"]).encode() if "body" in row else b""
    if body and "content-type" not in headers:
        raise bad_request(f"Request '{row['id']}' has a body and no Content-Type.", "BadRequest")
    if "client-request-id" in call.request.headers:
        headers.setdefault("client-request-id", call.request.headers["client-request-id"])
    return Request(method, f"/v1.0/{url.lstrip('/')}", headers, body, call.request.source)


def _in_order(items: Mapping[str, Item]) -> list[Item]:
    """The items, each after those that it waits for."""
    ready: dict[str, Item] = {}
    while len(ready) < len(items):
        free = [i for i in items.values() if i.id not in ready and all(d in ready for d in i.depends_on)]
        if not free:
            raise bad_request("The batch has an invalid dependsOn.", "BadRequest")
        ready.update((item.id, item) for item in free)
    return list(ready.values())


def _answer(call: Call, item: Item) -> Reply:
    _, rule = call.context.faults.decide("item", item.request.path, item.request.method)
    if rule is not None:
        status = 429 if rule.kind == "429" else rule.status
        after = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        name = _FAULT_STATUS.get(status, "ServiceUnavailable")
        reply = _refused(
            call, item, GraphError(status, name, "The request was refused for now.", headers=after)
        )
    elif item.request.path == "/v1.0/$batch":
        reply = _refused(call, item, bad_request("A batch cannot hold a batch.", "BadRequest"))
    else:
        try:
            reply = call.dispatch(item.request)
        except GraphError as error:
            reply = _refused(call, item, error)
    _note(call, item, reply, rule.kind if rule else "")
    return reply


def _not_tried(call: Call, item: Item) -> Reply:
    error = GraphError(424, "FailedDependency", "A request that this one depends on failed.")
    reply = _refused(call, item, error)
    _note(call, item, reply, "")
    return reply


def _refused(call: Call, item: Item, error: GraphError) -> Reply:
    reply = error_reply(item.request, error, call.context.world.clock())
    return call.addressed(item.request, replace(reply, route="graph:batch item"))


def _shown(name: str, reply: Reply) -> dict[str, Any]:
    answer: dict[str, Any] = {"id": name, "status": reply.status, "headers": dict(reply.headers)}
    if reply.body:
        try:
            answer["body"] = json.loads(reply.body)
        except ValueError:
            answer["body"] = base64.b64encode(reply.body).decode()
    return answer


def _note(call: Call, item: Item, reply: Reply, fault: str) -> None:
    request = item.request
    call.context.journal.add(
        Entry(
            at=call.context.world.clock(),
            method=request.method,
            path=request.path,
            route=reply.route,
            client_id=reply.client_id,
            username="",
            code=reply.code,
            status=reply.status,
            correlation_id=request.correlation_id,
            trace_id=request.trace_id,
            seconds=0.0,
            fault=fault,
            source=request.source,
            writes=reply.writes,
        )
    )
