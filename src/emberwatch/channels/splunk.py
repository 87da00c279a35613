"""Splunk, by its HTTP Event Collector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import httpx

from emberwatch.channels import checks
from emberwatch.channels.base import (
    ChannelBusy,
    Field,
    FieldKind,
    Kind,
    Message,
    Receipt,
    Secrets,
    Settings,
    moment,
)
from emberwatch.channels.exchange import json_of, post, request
from emberwatch.channels.network import Network
from emberwatch.channels.webhook import events

_COLLECT: Final = "/services/collector/event"
_ACK: Final = "/services/collector/ack"
LOOKS: Final = 6
_PAUSE: Final = 2.0
SOURCE_TYPE: Final = "emberwatch:alert"


def deliver(message: Message, settings: Settings, secrets: Secrets, network: Network) -> Receipt:
    base, token = settings["url"], secrets["token"]
    headers = {"Authorization": f"Splunk {token.expose()}", "Content-Type": "application/json"}
    if settings["acknowledge"]:
        headers["X-Splunk-Request-Channel"] = message.id
    reply = post(network, base + _COLLECT, content=body(message, settings), headers=headers, secrets=[token])
    if not settings["acknowledge"]:
        return Receipt()
    return _acknowledged(message, base, headers, reply, network)


def body(message: Message, settings: Settings) -> bytes:
    """Events one after the other, as the collector takes them."""
    return b"\n".join(
        json.dumps(_event(event, message, settings), separators=(",", ":")).encode()
        for event in events(message.items)
    )


def _event(event: Mapping[str, Any], message: Message, settings: Settings) -> dict[str, Any]:
    about = {
        "delivery": message.id,
        "tenant": message.tenant,
        "rule": message.rule,
        "total": message.total,
        "is_test": message.is_test,
    }
    index = {"index": settings["index"]} if settings["index"] else {}
    return {
        "time": moment(event["at"]).timestamp(),
        "host": "emberwatch",
        "source": "emberwatch",
        "sourcetype": SOURCE_TYPE,
        **index,
        "event": {**event, **about},
    }


def _acknowledged(
    message: Message, base: str, headers: Mapping[str, str], taken: httpx.Response, network: Network
) -> Receipt:
    """Waits until the indexers have stored it; what is not confirmed is sent again."""
    number = json_of(taken, "Splunk").get("ackId")
    if number is None:
        return Receipt(sentence="Indexer acknowledgment is not on for this token: storing was not confirmed.")
    for _ in range(LOOKS):
        network.sleep(_PAUSE)
        told = request(
            network,
            "POST",
            base + _ACK,
            params={"channel": str(UUID(message.id))},
            json={"acks": [number]},
            headers=headers,
        )
        if json_of(told, "Splunk").get("acks", {}).get(str(number)):
            return Receipt(provider_id=f"ack {number}")
    raise ChannelBusy("Splunk took the events, and did not confirm in time that they are stored.")


KIND: Final = Kind(
    name="splunk",
    label="Splunk",
    deliver=deliver,
    most_items=200,
    takes_all=True,
    fields=(
        Field(
            "url",
            "Collector address",
            FieldKind.URL,
            hint="Without a path, such as https://http-inputs-example.splunkcloud.com:443.",
            check=checks.origin,
            leads=True,
        ),
        Field("token", "Token", FieldKind.SECRET, hint="Of the HTTP Event Collector."),
        Field("index", "Index", required=False, hint="Empty for the token's own.", check=checks.name),
        Field(
            "acknowledge",
            "Wait until events are indexed",
            FieldKind.SWITCH,
            required=False,
            hint="When indexer acknowledgment is switched on for the token.",
        ),
    ),
)
