"""Reads from Microsoft Graph v1.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from emberwatch.directories.base import DirectoryBusy, DirectoryError, DirectoryMisconfigured
from emberwatch.directories.entra.faults import GRAPH_FAULTS, THROTTLED, unknown_graph_fault
from emberwatch.directories.entra.tokens import AppTokens, unreachable

_BUSY: Final = frozenset({429, 502, 503, 504})


class NotInDirectory(DirectoryError):
    """Graph answered 404: there is no such object."""


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
            reply = self._send(self._own(str(link)), None, {})

    def _own(self, link: str) -> str:
        # The token goes along: a link that leads to another host would hand it over.
        if urlsplit(link)[:2] != urlsplit(self._root)[:2]:
            raise DirectoryError("Microsoft Graph answered with a next link that leads to another host.")
        return link

    def _send(self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str]) -> GraphReply:
        sent = {
            **headers,
            "Authorization": f"Bearer {self._tokens.token()}",
            "client-request-id": str(uuid4()),
        }
        try:
            reply = self._client.get(url, params=params, headers=sent)
        except httpx.HTTPError as error:
            raise unreachable(error) from None
        if reply.status_code != 200:
            raise _error(reply)
        body = _json(reply)
        if not body:
            raise DirectoryError("Microsoft Graph's answer cannot be read.")
        return GraphReply(body, reply.headers.get("request-id", ""))


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
    401: DirectoryMisconfigured,
    403: DirectoryMisconfigured,
    404: NotInDirectory,
}
