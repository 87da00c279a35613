"""Reads from Microsoft Graph v1.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx
import stamina

from emberwatch.directories.base import (
    DirectoryBusy,
    DirectoryError,
    DirectoryMisconfigured,
    DirectoryUnreachable,
)
from emberwatch.directories.entra.faults import GRAPH_FAULTS, THROTTLED, unknown_graph_fault
from emberwatch.directories.entra.tokens import AppTokens, unreachable

# How often one read is sent at most, and the longest wait in between, in seconds.
REPEATS: Final = 3
LONGEST_WAIT: Final = 10.0
_BUSY: Final = frozenset({429, 502, 503, 504})


class NotInDirectory(DirectoryError):
    """Graph answered 404: there is no such object."""


class TokenRefused(DirectoryMisconfigured):
    """Graph answered 401: the token has expired, or it is not for this place at all."""


class UnsupportedQuery(DirectoryError):
    """Graph answered 400 to a filter that it does not support."""


@dataclass(frozen=True, slots=True)
class GraphReply:
    body: Mapping[str, Any]
    request_id: str


class Graph:
    def __init__(self, base_url: str, tokens: AppTokens, client: httpx.Client) -> None:
        self._root = f"{base_url}/v1.0"
        self._tokens = tokens
        self._client = client

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, advanced: bool = False
    ) -> GraphReply:
        """One GET. ``advanced`` adds what ``$count`` and the harder filters demand."""
        headers = {"ConsistencyLevel": "eventual"} if advanced else {}
        return self._send(self._root + path, params, headers)

    def pages(self, path: str, params: Mapping[str, str] | None = None) -> Iterator[Mapping[str, Any]]:
        """Every item of a collection, following the opaque next links within our own Graph host."""
        reply = self.get(path, params)
        while True:
            yield from reply.body.get("value", [])
            link = reply.body.get("@odata.nextLink")
            if not link:
                return
            # A link that leads to another host does not leave: the client reaches its own origins only.
            reply = self._send(str(link), None, {})

    def _send(self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str]) -> GraphReply:
        for attempt in stamina.retry_context(
            on=_worth_repeating, attempts=REPEATS, wait_initial=0.2, wait_max=2.0
        ):
            with attempt:
                return self._send_once(url, params, headers)
        raise AssertionError("stamina ends with a reply or an error")

    def _send_once(
        self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> GraphReply:
        sent = {
            **headers,
            "Authorization": f"Bearer {self._tokens.token()}",
            "client-request-id": str(uuid4()),
        }
        try:
            reply = self._client.get(url, params=params, headers=sent)
        except httpx.HTTPError as error:
            raise unreachable(error) from None
        if reply.status_code == 401:
            self._tokens.forget()
        if reply.status_code != 200:
            raise _error(reply)
        body = _json(reply)
        if not body:
            raise DirectoryError("Microsoft Graph's answer cannot be read.")
        return GraphReply(body, reply.headers.get("request-id", ""))


def _worth_repeating(error: Exception) -> bool | float:
    """Reads may be repeated: after the time that a throttled reply asks for, unless that is too long to wait here."""
    if isinstance(error, DirectoryBusy) and error.retry_after is not None:
        return error.retry_after if error.retry_after <= LONGEST_WAIT else False
    return isinstance(error, DirectoryBusy | DirectoryUnreachable | TokenRefused)


def _json(reply: httpx.Response) -> Mapping[str, Any]:
    try:
        body = reply.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def retry_after(reply: httpx.Response) -> float | None:
    """Seconds from a ``Retry-After`` header, or ``None``."""
    try:
        return max(0.0, float(reply.headers.get("Retry-After", "")))
    except ValueError:
        return None


def _error(reply: httpx.Response) -> DirectoryError:
    detail = _json(reply).get("error")
    code = str(detail.get("code", "")) if isinstance(detail, dict) else ""
    if reply.status_code in _BUSY:
        return DirectoryBusy(
            THROTTLED.sentence,
            remedy=THROTTLED.remedy,
            code=str(reply.status_code),
            retry_after=retry_after(reply),
        )
    fault = GRAPH_FAULTS.get(code) or unknown_graph_fault(reply.status_code, code)
    kind = _KINDS.get(reply.status_code, DirectoryError)
    return kind(fault.sentence, remedy=fault.remedy, code=code)


_KINDS: Final[Mapping[int, type[DirectoryError]]] = {
    400: UnsupportedQuery,
    401: TokenRefused,
    403: DirectoryMisconfigured,
    404: NotInDirectory,
}
