"""Splunk's collector: events, the index, and waiting until they are stored."""

from __future__ import annotations

import json

import pytest

from emberwatch.channels.base import ChannelBusy
from emberwatch.channels.network import Network
from emberwatch.channels.splunk import LOOKS
from tests.contract.channels.conftest import SECRET_WORDS, Set, item, message, set_up
from tests.receivers import Answer, HttpReceiver, Received


def channel(url: str, **more: str) -> Set:
    return set_up("splunk", {"url": url, **more}, {"token": SECRET_WORDS})


def test_each_thing_is_an_event(receiver: HttpReceiver, network: Network) -> None:
    channel(f"{receiver.url}/", index="security").deliver(message(item(1), item(2)), network)
    [request] = receiver.requests
    assert request.path == "/services/collector/event"
    assert request.headers["Authorization"] == f"Splunk {SECRET_WORDS}"
    events = [json.loads(line) for line in request.body.splitlines()]
    assert [event["index"] for event in events] == ["security", "security"]
    assert events[0]["time"] == 1780315140.0
    assert events[0]["event"]["login"] == "ann@contoso.example"
    assert events[0]["event"]["delivery"] == message().id


def answer_after(looks: int) -> object:
    asked = []

    def route(request: Received) -> Answer:
        if request.path.endswith("/event"):
            return Answer(body={"text": "Success", "code": 0, "ackId": 7})
        assert request.json == {"acks": [7]}
        assert request.query == {"channel": [message().id]}
        asked.append(request)
        return Answer(body={"acks": {"7": len(asked) >= looks}})

    return route


def test_it_waits_until_events_are_stored(receiver: HttpReceiver, network: Network) -> None:
    receiver.route = answer_after(3)  # type: ignore[assignment]
    receipt = channel(receiver.url, acknowledge="yes").deliver(message(), network)
    assert receipt.provider_id == "ack 7"
    assert len(receiver.requests) == 4


def test_what_is_not_confirmed_is_sent_again(receiver: HttpReceiver, network: Network) -> None:
    receiver.route = answer_after(LOOKS + 1)  # type: ignore[assignment]
    with pytest.raises(ChannelBusy, match="did not confirm"):
        channel(receiver.url, acknowledge="yes").deliver(message(), network)
