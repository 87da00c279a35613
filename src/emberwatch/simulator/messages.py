"""Requests and replies as plain data, so that every rule of the simulator runs without a socket."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from emberwatch.simulator.scenario import is_guid


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    """Path and query, as they stand on the request line."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""
    source: str = "127.0.0.1"
    trace_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form body; of a field that comes twice the last one counts."""
        if "form-urlencoded" not in self.headers.get("content-type", ""):
            return {}
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def correlation_id(self) -> str:
        """The caller's own id when it is a GUID, else the trace id."""
        given = self.headers.get("client-request-id", "").lower()
        return given if is_guid(given) else self.trace_id


class Write(NamedTuple):
    """One thing that a request was to do to an account."""

    account: str
    """Its object id; as the request named it when nobody has that name."""
    kind: str


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    """The directory's own code, for the journal: ``50126``, ``Request_BadRequest`` …; empty when fine."""
    client_id: str = ""
    username: str = ""
    route: str = ""
    writes: tuple[Write, ...] = ()


def json_reply(
    status: int, content: Any, headers: Mapping[str, str] | None = None, *, code: str = ""
) -> Reply:
    merged = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Reply(status, json.dumps(content).encode(), merged, code=code)


def graph_time(moment: datetime | None) -> str | None:
    """A moment as Graph writes it: ``2026-01-02T03:04:05Z``."""
    if moment is None:
        return None
    # Several times faster than strftime, and a page of users holds thousands of times.
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='seconds')[:19]}Z"


def login_time(moment: datetime) -> str:
    """A moment as the token endpoint writes it: ``2026-01-02 03:04:05Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
