"""A webhook of your own: JSON, signed with HMAC-SHA-256 over the time and the body."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from typing import Any, Final

from emberwatch.channels import checks
from emberwatch.channels.base import Field, FieldKind, Item, Kind, Message, Receipt, Secrets, Settings
from emberwatch.channels.exchange import post, said
from emberwatch.channels.network import Network
from emberwatch.core.secret import Secret

ID_HEADER: Final = "X-Emberwatch-Delivery"
TIME_HEADER: Final = "X-Emberwatch-Timestamp"
SIGNATURE_HEADER: Final = "X-Emberwatch-Signature"
VERSION: Final = "v1"
# Old to new: a receiver that knows either one goes on taking messages while a secret is changed.
_SECRETS: Final = ("secret", "other_secret")


def deliver(message: Message, settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    keys = [secrets[name] for name in _SECRETS if name in secrets]
    body = json.dumps(payload(message), separators=(",", ":")).encode()
    timestamp = str(int(network.clock().timestamp()))
    headers = {
        "Content-Type": "application/json",
        ID_HEADER: message.id,
        TIME_HEADER: timestamp,
        SIGNATURE_HEADER: ",".join(signature(key, timestamp, body) for key in keys),
    }
    reply = post(network, settings["url"], content=body, headers=headers, secrets=keys)
    return Receipt(provider_id=said(reply.headers.get("X-Request-Id", ""), keys)[:100])


def signature(key: Secret, timestamp: str, body: bytes) -> str:
    """``v1=`` and the hexadecimal HMAC-SHA-256 of ``timestamp.body``."""
    signed = timestamp.encode() + b"." + body
    return f"{VERSION}={hmac.digest(key.expose().encode(), signed, 'sha256').hex()}"


def payload(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "type": "emberwatch.test" if message.is_test else "emberwatch.alerts",
        "created_at": message.created_at,
        "tenant": message.tenant,
        "rule": message.rule,
        "title": message.title,
        "severity": message.severity,
        "total": message.total,
        "link": message.link,
        "alerts": list(events(message.items)),
    }


def events(items: Sequence[Item]) -> Sequence[dict[str, Any]]:
    """Each thing as an object of its own, with the names that the API uses."""
    return [
        {
            "id": item.id,
            "fact": item.fact,
            "title": item.title,
            "severity": item.severity,
            "severity_reasons": list(item.reasons),
            "at": item.at,
            "link": item.link,
            "account_link": item.account_link,
            **item.data,
        }
        for item in items
    ]


KIND: Final = Kind(
    name="webhook",
    label="Webhook",
    deliver=deliver,
    most_items=100,
    takes_all=True,
    fields=(
        Field("url", "URL", FieldKind.URL, check=checks.url, leads=True),
        Field(
            "secret",
            "Signing secret",
            FieldKind.SECRET,
            hint="At least 16 characters; the receiver checks the signature with it.",
            check=checks.long_enough,
        ),
        Field(
            "other_secret",
            "Second signing secret",
            FieldKind.SECRET,
            required=False,
            hint="While you change the secret: messages are signed with both.",
            check=checks.long_enough,
        ),
    ),
)
