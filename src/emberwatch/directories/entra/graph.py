"""Reads from Microsoft Graph v1.0, one by one or many in a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

import httpx
import msgspec
import stamina

from emberwatch.core.clock import Clock
from emberwatch.directories.actions import OutcomeUnknown
from emberwatch.directories.base import (
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    DirectoryUnreachable,
)
from emberwatch.directories.changes import LinkExpired
from emberwatch.directories.entra.faults import EXPIRED_LINK, GRAPH_FAULTS, unknown_graph_fault
from emberwatch.directories.entra.tokens import AppTokens, busy, is_busy, unreachable
from emberwatch.directories.entra.waits import load_of, units_of
from emberwatch.http.client import DryRunRefused
from emberwatch.http.waits import retry_after

# How often one read is sent at most, and the longest wait in between, in seconds.
REPEATS: Final = 3
LONGEST_WAIT: Final = 10.0
# The request cannot have reached anybody.
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_CHANGED: Final = (200, 201, 204)
# "Not now" and "not at all"; behind any other failure of the service the change may have been made.
_NOT_ACTED: Final = (501, 503)
_NO_SUCH_OBJECT: Final = "Request_ResourceNotFound"
_NO_SUCH_PATH: Final = "Resource not found for the segment"
# Microsoft names an outworn place in a list in these ways, with different statuses over the years.
_EXPIRED: Final = frozenset(
    {"syncstatenotfound", "syncstateinvalid", "directory_expiredpagetoken", "resyncrequired"}
)


class NotInDirectory(DirectoryError):
    """Graph answered 404: there is no such object."""


class NoSuchOperation(DirectoryError):
    """This Graph does not know the path or the method: an ability that other clouds may have."""


class TokenRefused(DirectoryMisconfigured):
    """Graph answered 401: the token has expired, or it is not for this place at all."""


class Forbidden(DirectoryMisconfigured):
    """Graph answered 403: a permission or a licence is missing."""


class UnsupportedQuery(DirectoryError):
    """Graph answered 400: to a filter that it does not support, or to a change that the object does not take."""

    detail: str = ""
    """Graph's own words, to tell one refusal from another; never shown."""


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """One GET. ``advanced`` adds what ``$count`` and the harder filters demand."""

    path: str
    """Below the version, such as ``/users``; with its query when it comes from a next link."""
    params: Mapping[str, str] = field(default_factory=dict)
    advanced: bool = False

    @property
    def target(self) -> str:
        """Path and query, escaped."""
        query = urlencode(self.params, safe="$,", quote_via=quote)
        return f"{self.path}?{query}" if query else self.path

    @property
    def headers(self) -> dict[str, str]:
        return {"ConsistencyLevel": "eventual"} if self.advanced else {}


@dataclass(frozen=True, slots=True)
class GraphReply:
    body: Mapping[str, Any]
    request_id: str
    load: float = 0.0
    """The share of what we may ask for that is used up, as far as the answer tells."""
    units: int = 0
    """What the answer says that it cost."""

    @property
    def items(self) -> list[Mapping[str, Any]]:
        """The objects of a collection. Raises :class:`DirectoryError` when it is none."""
        found = self.body.get("value")
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise DirectoryError("Microsoft Graph's answer is not a list of objects.")
        return found

    @property
    def next_link(self) -> str:
        return str(self.body.get("@odata.nextLink") or "")

    @property
    def delta_link(self) -> str:
        return str(self.body.get("@odata.deltaLink") or "")


class Graph:
    def __init__(self, base_url: str, tokens: AppTokens, client: httpx.Client, clock: Clock) -> None:
        self.root = f"{base_url}/v1.0"
        self._tokens = tokens
        self._client = client
        self._clock = clock

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        advanced: bool = False,
        untold_wait: float | None = None,
    ) -> GraphReply:
        """One GET; ``untold_wait`` is what a throttled answer without a ``Retry-After`` means, in seconds."""
        return self.ask(GraphRequest(path, params or {}, advanced), untold_wait)

    def ask(self, request: GraphRequest, untold_wait: float | None = None) -> GraphReply:
        return self._send("GET", self.root + request.target, request.headers, None, untold_wait)

    def post(self, path: str, body: Mapping[str, Any]) -> GraphReply:
        """Posts a question that changes nothing, so it may be repeated."""
        return self._send("POST", self.root + path, {}, body, None)

    def write(self, method: str, path: str, body: Mapping[str, Any] | None, client_request_id: UUID) -> str:
        """Sends one change, once, and returns Graph's id of the request.

        Raises :class:`OutcomeUnknown` when Graph may have acted and nobody knows; any other error says that it did not.
        """
        headers = {
            "Authorization": f"Bearer {self._tokens.token()}",
            "client-request-id": str(client_request_id),
        }
        try:
            reply = self._client.request(method, self.root + path, headers=headers, json=body)
        except DryRunRefused:
            raise DirectoryError("A dry run changes nothing.") from None
        except _NEVER_SENT as error:
            raise unreachable(error) from None
        except httpx.HTTPError as error:
            raise _unknown(type(error).__name__) from None
        if reply.status_code in _CHANGED:
            return str(reply.headers.get("request-id", ""))
        if reply.status_code >= 500 and reply.status_code not in _NOT_ACTED:
            raise _unknown(str(reply.status_code))
        if reply.status_code == 401:
            self._tokens.forget()
            raise busy(401, wait=0)
        raise self._error(reply.status_code, reply.headers, _json(reply))

    def follow(self, link: str, *, advanced: bool = False, untold_wait: float | None = None) -> GraphReply:
        """What a link of an earlier answer leads to, taken as a whole.

        One that leads to another host does not leave: the client reaches its own origins only.
        """
        headers = GraphRequest("", advanced=advanced).headers
        return self._send("GET", link, headers, None, untold_wait)

    def pages(
        self, path: str, params: Mapping[str, str] | None = None, *, untold_wait: float | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Every item of a collection, following the opaque next links within our own Graph host."""
        reply = self.get(path, params, untold_wait=untold_wait)
        while True:
            yield from reply.items
            if not reply.next_link:
                return
            reply = self.follow(reply.next_link, untold_wait=untold_wait)

    def answer(self, status: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> GraphReply:
        """Reads one answer, from a reply of its own or from a batch. Raises what a refusal means."""
        if status == 401:
            self._tokens.forget()
        if status != 200:
            raise self._error(status, headers, body)
        if not body:
            raise DirectoryError("Microsoft Graph's answer cannot be read.")
        named = {name.lower(): value for name, value in headers.items()}
        return GraphReply(body, str(named.get("request-id", "")), load_of(named), units_of(named))

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        untold_wait: float | None,
    ) -> GraphReply:
        for attempt in stamina.retry_context(
            on=lambda error: worth_repeating(error, untold_wait),
            attempts=REPEATS,
            wait_initial=0.2,
            wait_max=2.0,
        ):
            with attempt:
                return self._send_once(method, url, headers, body)
        raise AssertionError("stamina ends with a reply or an error")

    def _send_once(
        self, method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> GraphReply:
        sent = {
            **headers,
            "Authorization": f"Bearer {self._tokens.token()}",
            "client-request-id": str(uuid4()),
        }
        try:
            reply = self._client.request(method, url, headers=sent, json=body)
        except DryRunRefused:
            # A batch only reads, but a dry run cannot tell; whoever asks reads one by one then.
            raise NoSuchOperation("A dry run sends no batches.") from None
        except httpx.HTTPError as error:
            raise unreachable(error) from None
        return self.answer(reply.status_code, reply.headers, _json(reply))

    def _error(self, status: int, headers: Mapping[str, str], body: Mapping[str, Any]) -> DirectoryError:
        if is_busy(status):
            return busy(status, wait=retry_after(headers, self._clock()))
        detail = body.get("error")
        detail = detail if isinstance(detail, dict) else {}
        code, message = str(detail.get("code", "")), str(detail.get("message", ""))
        if status == 410 or (400 <= status < 410 and code.lower() in _EXPIRED):
            return LinkExpired(EXPIRED_LINK.sentence, remedy=EXPIRED_LINK.remedy, code=code or str(status))
        fault = GRAPH_FAULTS.get(code) or unknown_graph_fault(status, code)
        error = _kind(status, code, message)(fault.sentence, remedy=fault.remedy, code=code)
        if isinstance(error, UnsupportedQuery):
            error.detail = message
        return error


def worth_repeating(error: Exception, untold_wait: float | None = None) -> bool | float:
    """Reads may be repeated: after the time that a throttled reply asks for, unless that is too long to wait here."""
    if isinstance(error, DirectoryBusy):
        wait = untold_wait if error.retry_after is None else error.retry_after
        return True if wait is None else wait if wait <= LONGEST_WAIT else False
    return isinstance(error, DirectoryUnreachable | TokenRefused)


def _unknown(code: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        "The change was sent and no answer came.", remedy="Emberwatch reads the account to see.", code=code
    )


def _json(reply: httpx.Response) -> Mapping[str, Any]:
    try:
        body = msgspec.json.decode(reply.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return body if isinstance(body, dict) else {}


def _kind(status: int, code: str, message: str) -> type[DirectoryError]:
    if status == 404 and code == _NO_SUCH_OBJECT:
        return NotInDirectory
    # Graph answers 400, not 404, to a path that it does not know.
    if status in (404, 405, 501) or (status == 400 and message.startswith(_NO_SUCH_PATH)):
        return NoSuchOperation
    return _KINDS.get(status, DirectoryError)


_KINDS: Final[Mapping[int, type[DirectoryError]]] = {
    400: UnsupportedQuery,
    401: TokenRefused,
    403: Forbidden,
}
