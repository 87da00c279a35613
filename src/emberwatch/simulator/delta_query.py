"""The options of a delta query: what may be asked for, and where an earlier answer's token leads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlencode

from emberwatch.simulator.delta_sources import Source
from emberwatch.simulator.delta_tokens import BadStateToken, DeltaState, UnknownStateToken, unseal
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_replies import GraphError, bad_request

_MOST_IDS: Final = 50
_TOKENS: Final = ("$deltatoken", "$skiptoken")
_INITIAL: Final = frozenset({"$select", "$filter", *_TOKENS})
_KNOWN_ELSEWHERE: Final = frozenset(
    {"$top", "$expand", "$orderby", "$search", "$count", "$skip", "$format", "$apply"}
)
_BY_ID: Final = re.compile(r"\s*id\s+eq\s+'([^']*)'\s*")


@dataclass(frozen=True, slots=True)
class DeltaQuery:
    state: DeltaState
    latest: bool = False
    """The client wants nothing but a token from now on."""
    minimal: bool = False
    """Of a changed object only what changed."""


def read_delta(call: Call, source: Source) -> DeltaQuery:
    """Where the request stands, or the refusal that it gets."""
    options = {_folded(name): value for name, value in call.request.query.items()}
    minimal = "return=minimal" in call.request.headers.get("prefer", "").replace(" ", "").lower()
    token = options.get("$skiptoken") or options.get("$deltatoken", "")
    if not token or token.lower() == "latest":
        state = _initial(call, source, options)
        return DeltaQuery(state, latest=bool(token), minimal=minimal)
    if set(options) - set(_TOKENS):
        raise bad_request("A state token cannot be combined with other query options.", "BadRequest")
    return DeltaQuery(_resumed(call, source, token), minimal=minimal)


def _folded(name: str) -> str:
    return name.lower() if name.lower() in _TOKENS else name


def _initial(call: Call, source: Source, options: Mapping[str, str]) -> DeltaState:
    for name in options:
        if name.startswith("$") and name not in _INITIAL:
            code = "Request_UnsupportedQuery" if name in _KNOWN_ELSEWHERE else "BadRequest"
            raise bad_request(f"'{name}' is not supported by delta queries.", code)
    return DeltaState(
        kind=source.kind,
        directory=call.directory.id,
        select=_select(source, options.get("$select", "")),
        ids=_ids(options.get("$filter", "")),
        first=True,
        since=0,
        until=source.log.last,
        epoch=call.directory.delta_epoch,
    )


def _select(source: Source, text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    elsewhere = sorted(source.untracked.intersection(names))
    if elsewhere:
        raise bad_request(
            f"Delta queries of this collection do not support $select of: {', '.join(elsewhere)}",
            "BadRequest",
        )
    for name in names:
        if name not in source.properties and name != source.link:
            raise bad_request(
                f"'{name}' is not a property of 'microsoft.graph.{source.entity}'.", "BadRequest"
            )
    return names


def _ids(text: str) -> tuple[str, ...]:
    found = [_BY_ID.fullmatch(part) for part in re.split(r"\s+or\s+", text)] if text.strip() else []
    ids = tuple(dict.fromkeys(match[1].lower() for match in found if match))
    if None in found:
        raise bad_request("Delta queries can be filtered by object id only.", "Request_UnsupportedQuery")
    if len(ids) > _MOST_IDS:
        raise bad_request(f"At most {_MOST_IDS} objects can be named.", "Request_UnsupportedQuery")
    return ids


def _resumed(call: Call, source: Source, token: str) -> DeltaState:
    try:
        state = unseal(token, call.directory.world.token_key)
    except BadStateToken:
        raise bad_request("The state token is badly formed.", "BadRequest") from None
    except UnknownStateToken:
        raise _not_found(call, source, None) from None
    if (state.kind, state.directory) != (source.kind, call.directory.id):
        raise bad_request("The state token belongs to another collection.", "BadRequest")
    _refuse_ended(call, source, state)
    return state if state.page else replace(state, until=source.log.last)


def _refuse_ended(call: Call, source: Source, state: DeltaState) -> None:
    rules, age = call.directory.delta, call.directory.world.clock().timestamp() - state.issued
    if state.epoch != call.directory.delta_epoch:
        headers = {"Location": start_over(call, source, state)}
        raise GraphError(410, "resyncRequired", "Start over with a full synchronization.", headers=headers)
    if age > rules.lifetime_seconds:
        raise _not_found(call, source, state)
    if state.page and rules.page_lifetime_seconds is not None and age > rules.page_lifetime_seconds:
        raise bad_request("The page token has expired.", "Directory_ExpiredPageToken")


def _not_found(call: Call, source: Source, state: DeltaState | None) -> GraphError:
    status = call.directory.delta.expired_status
    headers = {"Location": start_over(call, source, state)} if status == 410 else {}
    return GraphError(
        status, "syncStateNotFound", "The state of the token is not kept any more.", headers=headers
    )


def start_over(call: Call, source: Source, state: DeltaState | None) -> str:
    """The address that begins anew with the options that the first request had."""
    options = {"$deltatoken": ""}
    if state is not None and state.select:
        options["$select"] = ",".join(state.select)
    if state is not None and state.ids:
        options["$filter"] = " or ".join(f"id eq '{object_id}'" for object_id in state.ids)
    return f"{call.origin}/v1.0/{source.kind}/delta?{urlencode(options, safe='$,', quote_via=quote)}"
