"""OData query options: reading, refusing, ordering and paging."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import quote, urlencode

from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_replies import bad_request
from emberwatch.simulator.messages import Request
from emberwatch.simulator.odata_filter import USER_FIELDS, Fields, FilterError, Node, is_advanced, parse
from emberwatch.simulator.user_properties import USER_PROPERTIES

DEFAULT_PAGE: Final = 100
MAX_PAGE: Final = 999
_KNOWN: Final = frozenset({"$select", "$filter", "$top", "$count", "$orderby", "$skiptoken"})
_UNSUPPORTED: Final = frozenset({"$search", "$expand", "$skip", "$format", "$apply", "$deltatoken"})
_ORDERABLE: Final = frozenset({"displayName", "userPrincipalName", "mail", "createdDateTime"})
_TOKEN_KEY: Final = b"emberwatch simulator skiptoken"


@dataclass(frozen=True, slots=True)
class Query:
    """The options of one request, already checked."""

    select: tuple[str, ...] = ()
    filter: Node | None = None
    top: int = DEFAULT_PAGE
    count: bool = False
    order: str = ""
    descending: bool = False
    after: int = 0
    """Where the page begins: the last object's number, or with an order the objects already sent."""


def read_query(request: Request, *, also: Set[str] = frozenset()) -> Query:
    """The request's options, or a 400 that says which one is at fault. ``also`` the caller reads by itself."""
    options = request.query
    eventual = request.headers.get("consistencylevel", "").lower() == "eventual"
    for name in options:
        if name.startswith("$") and name not in _KNOWN and name not in also:
            _refuse_option(name)
    count = options.get("$count", "").lower() == "true" or request.path.endswith("/$count")
    order, descending = _order(options.get("$orderby", ""))
    query = Query(
        select=_select(options.get("$select")),
        filter=_filter(options.get("$filter"), advanced=eventual and count),
        top=_top(options.get("$top")),
        # Without the header the service ignores the count instead of refusing it.
        count=count and eventual,
        order=order,
        descending=descending,
        after=_after(options.get("$skiptoken"), options),
    )
    if query.order and query.filter and not query.count:
        raise bad_request(
            "Sorting together with a filter needs the ConsistencyLevel header and $count=true.",
            "Request_UnsupportedQuery",
        )
    return query


def read_page(request: Request, *, most: int = MAX_PAGE, default: int = DEFAULT_PAGE) -> Query:
    """Page size and position alone, for collections that are neither filtered nor ordered."""
    options = request.query
    top = _top(options.get("$top"), most, default)
    return Query(top=top, after=_after(options.get("$skiptoken"), options))


def _refuse_option(name: str) -> NoReturn:
    if name in _UNSUPPORTED:
        raise bad_request(f"'{name}' is not supported here.", "Request_UnsupportedQuery")
    raise bad_request(f"The query option '{name}' is not recognized.", "BadRequest")


def _select(text: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    for name in names:
        if name not in USER_PROPERTIES:
            raise bad_request(f"'{name}' is not a property of 'microsoft.graph.user'.", "BadRequest")
    return names


def read_filter(text: str, fields: Fields) -> Node:
    """The tree of a filter, or a 400 that says what is wrong with it."""
    try:
        return parse(text, fields)
    except FilterError as error:
        if error.unsupported:
            raise bad_request(str(error), "Request_UnsupportedQuery") from None
        raise bad_request(f"Invalid filter clause: {error}", "BadRequest") from None


def _filter(text: str | None, *, advanced: bool) -> Node | None:
    if text is None:
        return None
    node = read_filter(text, USER_FIELDS)
    if is_advanced(node) and not advanced:
        raise bad_request(
            "Operator needs the ConsistencyLevel header and $count=true.", "Request_UnsupportedQuery"
        )
    return node


def _top(text: str | None, most: int = MAX_PAGE, default: int = DEFAULT_PAGE) -> int:
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise bad_request(f"The page size '{text}' is not between 1 and {most}.")
    return int(text)


def _order(text: str) -> tuple[str, bool]:
    name, _, direction = text.strip().partition(" ")
    if name and (name not in _ORDERABLE or direction.strip().lower() not in ("", "asc", "desc")):
        raise bad_request(f"Unsupported sort property '{text}'.", "Request_UnsupportedQuery")
    return name, direction.strip().lower() == "desc"


Row = TypeVar("Row", bound=Mapping[str, Any])


def take_page(query: Query, matching: Sequence[tuple[int, Row]]) -> tuple[list[Row], int | None]:
    """The page's objects and where the next page begins; None after the last one.

    ``matching`` is in order of number; without ``$orderby`` paging goes by number, so that objects which come
    or go between two pages neither repeat nor hide others.
    """
    if query.order:
        ordered = sorted(matching, key=lambda row: row[1][query.order] or "", reverse=query.descending)
        rest = ordered[query.after :]
    else:
        rest = [row for row in matching if row[0] > query.after]
    page = rest[: query.top]
    if len(rest) <= query.top:
        return [row[1] for row in page], None
    return [row[1] for row in page], query.after + query.top if query.order else page[-1][0]


def next_link(base: str, options: Mapping[str, str], position: int) -> str:
    """The address of the next page: the same options and an opaque token that belongs to them."""
    kept = {name: value for name, value in options.items() if name != "$skiptoken"}
    query = urlencode({**kept, "$skiptoken": _seal(position, kept)}, safe="$,", quote_via=quote)
    return f"{base}?{query}"


def _seal(position: int, options: Mapping[str, str]) -> str:
    raw = json.dumps({"p": position}).encode()
    return base64.urlsafe_b64encode(_signature(raw, options) + raw).rstrip(b"=").decode()


def _after(token: str | None, options: Mapping[str, str]) -> int:
    if token is None:
        return 0
    kept = {name: value for name, value in options.items() if name != "$skiptoken"}
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    signature, raw = sealed[:12], sealed[12:]
    if not raw or not hmac.compare_digest(signature, _signature(raw, kept)):
        raise bad_request("The skip token is invalid or expired.", "Directory_ExpiredPageToken")
    return int(json.loads(raw)["p"])


def _signature(raw: bytes, options: Mapping[str, str]) -> bytes:
    text = raw + json.dumps(sorted(options.items())).encode()
    return hmac.digest(_TOKEN_KEY, text, "sha256")[:12]


def pick(properties: Mapping[str, Any], names: Iterable[str]) -> Object:
    return {name: properties[name] for name in names if name in properties}


def context_of(
    origin: str, entity_set: str, select: Sequence[str], *, single: bool = False
) -> dict[str, Any]:
    """The ``@odata.context`` of a reply."""
    fields = f"({','.join(select)})" if select else ""
    return {"@odata.context": f"{origin}/v1.0/$metadata#{entity_set}{fields}{'/$entity' if single else ''}"}
