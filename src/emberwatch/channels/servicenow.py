"""Tickets in ServiceNow, by the Table API. The delivery's id is the correlation id, searched for before one is made."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from emberwatch.channels import checks
from emberwatch.channels.base import Field, FieldKind, Kind, Message, Receipt, Secrets, Settings
from emberwatch.channels.exchange import json_of, post, request
from emberwatch.channels.network import Network
from emberwatch.channels.wording import one_line, text_of

# ServiceNow's own scale: 1 is high, 3 is low.
_URGENCY: Final[Mapping[str, str]] = {"none": "3", "low": "3", "medium": "2", "high": "1", "critical": "1"}
_SYSTEM: Final = "ServiceNow"


def deliver(message: Message, settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    table = f"{settings['url']}/api/now/table/{settings['table']}"
    hidden = list(secrets.values())
    pair = f"{settings['username']}:{secrets['password'].expose()}".encode()
    headers = {
        "Authorization": f"Basic {base64.b64encode(pair).decode()}",
        "Accept": "application/json",
    }
    asked = {
        "sysparm_query": f"correlation_id={external_id(message)}",
        "sysparm_fields": "number,sys_id",
        "sysparm_limit": "1",
    }
    reply = request(network, "GET", table, params=asked, headers=headers, secrets=hidden)
    rows = json_of(reply, _SYSTEM).get("result") or []
    if rows:
        return Receipt(_number(rows[0]))
    made = post(network, table, json=record(message), headers=headers, secrets=hidden)
    return Receipt(_number(json_of(made, _SYSTEM).get("result") or {}))


def external_id(message: Message) -> str:
    return f"emberwatch-{message.id}"


def record(message: Message) -> dict[str, Any]:
    urgency = _URGENCY[message.severity]
    return {
        "short_description": one_line(message.title, 160),
        "description": text_of(message)[:30_000],
        "urgency": urgency,
        "impact": urgency,
        "correlation_id": external_id(message),
        "correlation_display": "Emberwatch",
    }


def _number(row: Mapping[str, Any]) -> str:
    return str(row.get("number") or row.get("sys_id") or "")[:100]


KIND: Final = Kind(
    name="servicenow",
    label="ServiceNow",
    deliver=deliver,
    fields=(
        Field(
            "url",
            "Instance address",
            FieldKind.URL,
            hint="Such as https://example.service-now.com.",
            check=checks.origin,
            leads=True,
        ),
        Field(
            "table",
            "Table",
            default="incident",
            check=checks.matching(r"[a-z0-9_]{1,80}", "needs a table's name such as incident"),
        ),
        Field("username", "User name"),
        Field("password", "Password", FieldKind.SECRET),
    ),
)
