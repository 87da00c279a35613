"""A receiver checks the signature the way the documents say."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest

from emberwatch.channels.network import Network
from tests.contract.channels.conftest import NOW, http_channel, item, message, set_up
from tests.receivers import HttpReceiver, Received

SECRET, SECOND = "the first of two secrets", "the second of two secrets"


def is_ours(request: Received, secret: str, at: float, seen: set[str]) -> bool:
    """As in ``docs/alerts.md``: time, signature over time and body, and each id once."""
    timestamp = request.headers["X-Emberwatch-Timestamp"]
    if abs(at - int(timestamp)) > 300:
        return False
    signed = timestamp.encode() + b"." + request.body
    expected = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    given = request.headers["X-Emberwatch-Signature"].split(",")
    if not any(hmac.compare_digest(expected, each) for each in given):
        return False
    if request.json["id"] in seen:
        return False
    seen.add(request.json["id"])
    return True


@pytest.fixture
def request_(receiver: HttpReceiver, network: Network) -> Received:
    channel = set_up("webhook", {"url": f"{receiver.url}/hook"}, {"secret": SECRET, "other_secret": SECOND})
    channel.deliver(message(), network)
    return receiver.requests[0]


@pytest.mark.parametrize("secret", [SECRET, SECOND])
def test_both_secrets_sign_while_one_is_changed(request_: Received, secret: str) -> None:
    assert is_ours(request_, secret, NOW.timestamp(), set())
    assert not is_ours(request_, "another secret altogether", NOW.timestamp(), set())


def test_a_replay_is_told_by_its_time_and_by_its_id(request_: Received) -> None:
    seen: set[str] = set()
    assert is_ours(request_, SECRET, NOW.timestamp(), seen)
    assert not is_ours(request_, SECRET, NOW.timestamp(), seen)
    assert not is_ours(request_, SECRET, (NOW + timedelta(minutes=6)).timestamp(), set())


@pytest.mark.parametrize("change", ["body", "time"])
def test_nothing_that_was_signed_can_be_changed(request_: Received, change: str) -> None:
    assert is_ours(request_, SECRET, NOW.timestamp(), set())
    if change == "body":
        request_.body = request_.body.replace(b"critical", b"harmless")
    else:
        request_.headers["X-Emberwatch-Timestamp"] = str(int(NOW.timestamp()) + 1)
    assert not is_ours(request_, SECRET, NOW.timestamp(), set())


def test_a_second_try_bears_the_same_id(receiver: HttpReceiver, network: Network) -> None:
    channel = http_channel("webhook", receiver.url)
    for _ in range(2):
        channel.deliver(message(), network)
    ids = {request.headers["X-Emberwatch-Delivery"] for request in receiver.requests}
    assert len(receiver.requests) == 2
    assert ids == {message().id}


def test_programs_read_fields_and_not_sentences(request_: Received) -> None:
    [alert] = request_.json["alerts"]
    assert alert["login"] == "ann@contoso.example"
    assert alert["verdict"] == "active"
    assert alert["severity_reasons"] == list(item().reasons)
