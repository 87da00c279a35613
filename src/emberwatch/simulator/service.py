"""From a request to what happens on the wire: routing, faults and the journal, without any socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import format_datetime
from typing import Final, Literal

from emberwatch.simulator.codes import Failure
from emberwatch.simulator.context import Channel, Context, Route, route
from emberwatch.simulator.discovery import instance_discovery, key_set, openid_configuration, user_realm
from emberwatch.simulator.faults import FaultRule
from emberwatch.simulator.graph import addressed, expired_token, graph
from emberwatch.simulator.graph_replies import GraphError, error_reply
from emberwatch.simulator.journal import Entry
from emberwatch.simulator.login_errors import refusal
from emberwatch.simulator.messages import Reply, Request
from emberwatch.simulator.portal import portal_page
from emberwatch.simulator.token_endpoint import token

_TENANT: Final = r"/(?P<tenant>[^/]+)"
_DISCOVERY: Final = r"/\.well-known/openid-configuration"
_HANG_SECONDS: Final = 3600.0

ROUTES: Final[tuple[Route, ...]] = (
    route("graph", "GET POST PATCH PUT DELETE", r"/v1\.0(/.*)?", "graph", graph),
    route("instance discovery", "GET", r"/common/discovery/instance", "login", instance_discovery),
    route("user realm", "GET", r"/common/userrealm/(?P<username>.+)", "login", user_realm),
    route("portal", "GET HEAD", r"/|/portal(/.*)?|/error|/[^/]+/adminconsent", "portal", portal_page),
    route("token", "GET POST", rf"{_TENANT}/oauth2/v2\.0/token", "token", token),
    route("discovery", "GET", rf"{_TENANT}(?P<v2>/v2\.0)?{_DISCOVERY}", "login", openid_configuration),
    route("keys", "GET", rf"{_TENANT}/discovery/(v2\.0/)?keys", "login", key_set),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the connection does: send the reply, or end without one."""

    reply: Reply | None


class Service:
    """Handles requests one by one; safe to call from many threads."""

    def __init__(self, context: Context, extra_routes: Iterable[Route] = ()) -> None:
        self.context = context
        self.faults = context.faults
        self.stopping = threading.Event()
        self._routes = (*extra_routes, *ROUTES)

    def handle(self, request: Request) -> Outcome:
        """Answer, fail or cut, and write it down."""
        began = time.perf_counter()
        found, params = self._find(request)
        channel: Channel = found.channel if found else "portal"
        wait, fate = self._decide(channel, request)
        if wait:
            self.stopping.wait(wait)
        reply = self._act(request, found, params, channel, fate)
        if channel != "control":
            struck = fate.kind if fate else "latency" if wait else ""
            self._note(request, found, reply, struck, time.perf_counter() - began)
        return Outcome(None if fate and fate.kind in ("drop", "drop_after", "hang") else self._dated(reply))

    def _decide(self, channel: Channel, request: Request) -> tuple[float, FaultRule | None]:
        if channel == "control":
            return 0.0, None
        return self.faults.decide(channel, request.path, request.method)

    def _dated(self, reply: Reply) -> Reply:
        # The clock of the simulated service, so that a difference to the client's own shows.
        now = self.context.world.clock().astimezone(UTC)
        return replace(reply, headers={"Date": format_datetime(now, usegmt=True), **reply.headers})

    def _find(self, request: Request) -> tuple[Route | None, Mapping[str, str]]:
        path = request.path
        for candidate in self._routes:
            found = candidate.pattern.fullmatch(path)
            if found:
                return candidate, {k: v for k, v in found.groupdict().items() if v is not None}
        return None, {}

    def _act(
        self,
        request: Request,
        found: Route | None,
        params: Mapping[str, str],
        channel: Channel,
        fate: FaultRule | None,
    ) -> Reply:
        if fate is not None and fate.kind != "drop_after":
            return self._addressed(request, channel, self._fault(request, channel, fate))
        if found is None:
            return Reply(404, b"not found\n", {"Content-Type": "text/plain"}, code="404")
        if request.method not in found.methods:
            return Reply(405, b"method not allowed\n", {"Content-Type": "text/plain"}, code="405")
        return found.handler(self.context, request, params)

    def _fault(self, request: Request, channel: Channel, rule: FaultRule) -> Reply:
        if rule.kind == "hang":
            self.stopping.wait(_HANG_SECONDS if rule.seconds is None else rule.seconds)
        if rule.kind in ("drop", "hang"):
            return Reply(0)
        if rule.kind == "401":
            return error_reply(request, expired_token(), self.context.world.clock())
        status = 429 if rule.kind == "429" else rule.status
        reply = self._fault_reply(request, channel, status, rule.body)
        after = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        return replace(reply, headers={**reply.headers, **after})

    def _addressed(self, request: Request, channel: Channel, reply: Reply) -> Reply:
        """A request that was not acted on still says in the journal whom it was for."""
        if channel == "graph":
            with self.context.world.lock:
                return addressed(self.context, request, reply)
        if channel != "token":
            return reply
        form = request.form
        return replace(
            reply,
            client_id=form.get("client_id", ""),
            username=form.get("username", ""),
            route=f"token:{form.get('grant_type', '')}",
        )

    def _fault_reply(
        self, request: Request, channel: Channel, status: int, body: Literal["json", "html", "empty"]
    ) -> Reply:
        if body == "empty":
            return Reply(status, code=str(status))
        if body == "html":
            page = b"<html><body><h1>Our services are not available right now</h1></body></html>"
            return Reply(status, page, {"Content-Type": "text/html"}, code=str(status))
        if channel == "graph":
            name = "TooManyRequests" if status == 429 else "ServiceUnavailable"
            error = GraphError(status, name, "The request was refused for now.")
            return error_reply(request, error, self.context.world.clock())
        return refusal(self.context, request, Failure(90055 if status == 429 else 90033, status=status))

    def _note(self, request: Request, found: Route | None, reply: Reply, fault: str, seconds: float) -> None:
        self.context.journal.add(
            Entry(
                at=self.context.world.clock(),
                method=request.method,
                path=request.path,
                route=reply.route or (found.name if found else ""),
                client_id=reply.client_id,
                username=reply.username,
                code=reply.code,
                status=reply.status,
                correlation_id=request.correlation_id,
                trace_id=request.trace_id,
                seconds=seconds,
                fault=fault,
                source=request.source,
                writes=reply.writes,
            )
        )
