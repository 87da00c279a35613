"""Graph's two lists that the simulator does not serve: leak detections and failed sign-ins, in front of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import httpx
import jwt

from emberwatch.simulator.messages import graph_time
from emberwatch.simulator.state import DirectoryState
from tests.simulated import InProcessEntra

Row: TypeAlias = Mapping[str, Any]

DETECTIONS: Final = "/v1.0/identityProtection/riskDetections"
SIGN_INS: Final = "/v1.0/auditLogs/signIns"
_PERMISSIONS: Final = {DETECTIONS: "IdentityRiskEvent.Read.All", SIGN_INS: "AuditLog.Read.All"}


@dataclass
class Reports(httpx.BaseTransport):
    """Answers the two lists itself, with the same gate as Graph's, and hands everything else on."""

    inner: httpx.BaseTransport
    rows: Mapping[str, Callable[[], list[Row]]]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        permission = _PERMISSIONS.get(request.url.path)
        if permission is None:
            return self.inner.handle_request(request)
        token = request.headers["authorization"].removeprefix("Bearer ")
        if permission not in jwt.decode(token, options={"verify_signature": False}).get("roles", ()):
            error = {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}
            return httpx.Response(403, json={"error": error})
        begin = request.url.params["$filter"].partition("createdDateTime ge ")[2].partition(" ")[0]
        found = [row for row in self.rows[request.url.path]() if row.get("createdDateTime", "~") >= begin]
        return httpx.Response(200, json={"value": found})


def failed_by_apps(entra: InProcessEntra, directory: DirectoryState) -> list[Row]:
    """The wrong passwords in the simulator's journal."""
    found = []
    for entry in entra.journal.sign_ins():
        user = directory.find(entry.username)
        if entry.code == "50126" and user is not None:
            found.append(failed(user.id, graph_time(entry.at), entry.client_id, entry.correlation_id))
    return found


def failed(user_id: str, at: str | None, client_id: str, correlation_id: str) -> Row:
    return {
        "userId": user_id,
        "createdDateTime": at,
        "appId": client_id,
        "correlationId": correlation_id,
        "status": {"errorCode": 50126},
    }
