"""Microsoft Graph v1.0: bearer token, limits, permission gate, then whoever answers the route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from emberwatch.simulator.apps import AppState
from emberwatch.simulator.context import Context
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_limits import spend_report, spend_units
from emberwatch.simulator.graph_replies import GraphError, bad_request, denied, error_reply
from emberwatch.simulator.graph_routes import ROUTES, GraphRoute
from emberwatch.simulator.keys import BadToken
from emberwatch.simulator.messages import Reply, Request, Write
from emberwatch.simulator.state import DirectoryState
from emberwatch.simulator.writes import settle


def graph(context: Context, request: Request, _params: Mapping[str, str]) -> Reply:
    """Answer anything under ``/v1.0``."""
    with context.world.lock:
        try:
            reply = _answer(context, request)
        except GraphError as error:
            reply = error_reply(request, error, context.world.clock())
        return addressed(context, request, reply)


def addressed(context: Context, request: Request, reply: Reply) -> Reply:
    """The reply with what its request was to write to which account, also when it did not get that far."""
    if request.method == "GET":
        return reply
    try:
        route, params = find_route(request)
    except GraphError:
        return reply
    if route.aim is None:
        return reply
    named = route.aim(request, params)
    writes = tuple(Write(context.world.account_id(each.account), each.kind) for each in named)
    return replace(reply, route=f"graph:{route.name}", writes=writes)


def _answer(context: Context, request: Request) -> Reply:
    claims = _claims(context, request)
    directory = context.world.directories.get(str(claims.get("tid", "")).lower())
    if directory is None:
        raise _unauthorized("The directory of the token is not known.")
    settle(directory)
    return _dispatch(context, request, _Caller(directory, claims))


@dataclass(frozen=True, slots=True)
class _Caller:
    directory: DirectoryState
    claims: Mapping[str, Any]

    @property
    def client_id(self) -> str:
        return str(self.claims.get("appid", ""))

    @property
    def app(self) -> AppState | None:
        return self.directory.apps.get(self.client_id.lower())

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.claims.get("roles", ()))


def _dispatch(context: Context, request: Request, caller: _Caller) -> Reply:
    route, params = find_route(request)
    directory, units = caller.directory, route.cost(request)
    told: dict[str, str] = {}
    try:
        told = spend_units(directory, caller.app, units)
        if route.report:
            spend_report(directory, caller.app)
        if route.permissions and not caller.roles & route.permissions:
            raise denied()
        reply = route.handler(
            Call(
                context,
                request,
                directory,
                caller.roles,
                params,
                caller.client_id,
                dispatch=lambda other: addressed(context, other, _dispatch(context, other, caller)),
                addressed=partial(addressed, context),
            )
        )
    except GraphError as error:
        reply = error_reply(request, error, context.world.clock())
    headers = {"x-ms-resource-unit": str(units), **told, **reply.headers}
    return replace(reply, headers=headers, client_id=caller.client_id, route=f"graph:{route.name}")


def _claims(context: Context, request: Request) -> Mapping[str, Any]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("Access token is empty.")
    try:
        claims = context.key.verify(token, audiences=context.graph_audiences, now=context.world.clock())
    except BadToken as error:
        raise _unauthorized(f"Access token validation failure: {error}.") from None
    if claims.get("rh") != context.world.token_mark:
        raise expired_token()
    return claims


def expired_token() -> GraphError:
    """What a token gets whose time is over."""
    return _unauthorized("Lifetime validation failed, the token is expired.")


def _unauthorized(message: str) -> GraphError:
    challenge = {"WWW-Authenticate": 'Bearer realm="", error="invalid_token"'}
    return GraphError(401, "InvalidAuthenticationToken", message, headers=challenge)


def find_route(request: Request) -> tuple[GraphRoute, Mapping[str, str]]:
    """The route of a request and its path parameters, or the error for having none."""
    path = request.path.removeprefix("/v1.0")
    known_path = False
    for route in ROUTES:
        found = route.pattern.fullmatch(path)
        if found and route.method == request.method:
            return route, {name: value for name, value in found.groupdict().items() if value is not None}
        known_path = known_path or found is not None
    if known_path:
        raise GraphError(405, "Request_BadRequest", f"{request.method} is not allowed for this resource.")
    segment = path.strip("/").partition("/")[0]
    raise bad_request(f"Resource not found for the segment '{segment}'.", "BadRequest")
