"""Who failed to sign in, as the directory's own log has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

from emberwatch.directories.base import DirectoryError, FailedSignIn
from emberwatch.directories.entra.abilities import SIGN_IN_LOG
from emberwatch.directories.entra.accounts import moment
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.tokens import AppTokens

WRONG_PASSWORD: Final = 50126
# Reports take five requests in ten seconds.
SECONDS_BETWEEN: Final = 2.0
_PAGE: Final = "1000"


def failed_sign_ins(graph: Graph, tokens: AppTokens, since: datetime) -> Iterator[FailedSignIn]:
    """The first page is read at once, so that a refusal comes before anything is counted."""
    rows = _rows(graph, tokens, since)
    first = next(rows, None)
    return iter(()) if first is None else chain((first,), rows)


def _rows(graph: Graph, tokens: AppTokens, since: datetime) -> Iterator[FailedSignIn]:
    begin = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    params = {
        "$filter": f"createdDateTime ge {begin} and status/errorCode eq {WRONG_PASSWORD}",
        "$top": _PAGE,
    }
    try:
        for row in graph.pages("/auditLogs/signIns", params, untold_wait=SECONDS_BETWEEN):
            failed = _failed(row)
            if failed is not None:
                yield failed
    except DirectoryError as error:
        raise SIGN_IN_LOG.refusal(error, tokens.roles()) from None


def _failed(row: Mapping[str, Any]) -> FailedSignIn | None:
    """``None`` for what is no wrong password of an account of this directory."""
    status, at = row.get("status"), moment(row.get("createdDateTime"))
    code = status.get("errorCode") if isinstance(status, dict) else None
    account = _guid(row.get("userId"))
    if code != WRONG_PASSWORD or at is None or account is None:
        return None
    return FailedSignIn(account, at, _guid(row.get("appId")), str(row.get("correlationId") or ""))


def _guid(value: object) -> UUID | None:
    try:
        found = UUID(str(value))
    except ValueError:
        return None
    return found if found.int else None
