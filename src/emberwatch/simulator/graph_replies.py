"""Graph's replies: collections, entities and errors with the headers that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from emberwatch.simulator.messages import Reply, Request, json_reply

_JSON: Final = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
)


class GraphError(Exception):
    """Ends a Graph request with an error body."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    return GraphError(400, code, message)


def not_found(name: str) -> GraphError:
    return GraphError(404, "Request_ResourceNotFound", f"Resource '{name}' does not exist.")


def graph_headers(request: Request) -> dict[str, str]:
    """Headers that every reply of Graph carries."""
    return {
        "Content-Type": _JSON,
        "Cache-Control": "no-cache",
        "request-id": request.trace_id,
        "client-request-id": request.correlation_id,
        "OData-Version": "4.0",
    }


def error_reply(request: Request, error: GraphError, now: datetime) -> Reply:
    body = {
        "error": {
            "code": error.code,
            "message": error.message,
            "innerError": {
                "date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "request-id": request.trace_id,
                "client-request-id": request.correlation_id,
            },
        }
    }
    return json_reply(error.status, body, {**graph_headers(request), **error.headers}, code=error.code)


def no_content(request: Request) -> Reply:
    """The whole answer to a write that has nothing to tell."""
    headers = {name: value for name, value in graph_headers(request).items() if name != "Content-Type"}
    return Reply(204, headers=headers)


def denied() -> GraphError:
    return GraphError(
        403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
    )


def object_reply(request: Request, body: Mapping[str, Any]) -> Reply:
    return json_reply(200, body, graph_headers(request))
