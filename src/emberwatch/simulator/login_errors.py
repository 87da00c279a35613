"""Refusals of the login host in their real shape."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emberwatch.simulator.codes import Failure, describe, lookup
from emberwatch.simulator.context import Context
from emberwatch.simulator.messages import Reply, Request, json_reply, login_time


def login_headers(request: Request, code: int = 0) -> dict[str, str]:
    """Headers that every reply of the login host carries."""
    echo = request.headers.get("return-client-request-id", "").lower() == "true"
    return {
        "Cache-Control": "no-store, no-cache",
        "Pragma": "no-cache",
        "x-ms-request-id": request.trace_id,
        "x-ms-clitelem": f"1,{code},0,,",
        **({"client-request-id": request.correlation_id} if echo else {}),
    }


def refusal(context: Context, request: Request, failure: Failure) -> Reply:
    """The JSON answer to a request that ends in a code."""
    row = lookup(failure.code)
    suberror = failure.suberror or row.suberror
    body: dict[str, Any] = {
        "error": failure.error or row.error,
        "error_description": _description(request, failure, context.world.clock()),
        "error_codes": [*failure.extra_codes, failure.code],
        "timestamp": login_time(context.world.clock()),
        "trace_id": request.trace_id,
        "correlation_id": request.correlation_id,
        **({"suberror": suberror} if suberror else {"error_uri": _error_uri(context, failure)}),
        **failure.extra,
    }
    headers = login_headers(request, failure.code)
    return json_reply(failure.status or row.status, body, headers, code=str(failure.code))


def _description(request: Request, failure: Failure, now: datetime) -> str:
    return (
        f"{describe(failure)} Trace ID: {request.trace_id} Correlation ID: {request.correlation_id} "
        f"Timestamp: {login_time(now)}"
    )


def _error_uri(context: Context, failure: Failure) -> str:
    return f"{context.origin}/error?code={failure.code}"
