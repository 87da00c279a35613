"""What every channel over HTTP has to do, whichever system it speaks to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from emberwatch.channels.base import ChannelBusy, ChannelError, ChannelRefused
from emberwatch.channels.network import Network
from emberwatch.http.deadline import Deadline
from tests.contract.channels.conftest import HTTP_KINDS, SECRET_WORDS, http_channel, message
from tests.receivers import HERE, Answer, HttpReceiver

each_kind = pytest.mark.parametrize("name", HTTP_KINDS)


@each_kind
def test_a_message_arrives_with_who_and_what(name: str, receiver: HttpReceiver, network: Network) -> None:
    http_channel(name, receiver.url).deliver(message(), network)
    text = "".join(request.body.decode() for request in receiver.requests)
    assert "ann@contoso.example" in text
    assert "no second factor is registered" in text
    assert "https://emberwatch.example.org/tenants/1/credentials/2/" in text
    assert "userId/3" in text
    assert SECRET_WORDS not in text


@each_kind
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(
    name: str, status: int, receiver: HttpReceiver, network: Network
) -> None:
    channel = http_channel(name, receiver.url)
    receiver.answers = [Answer(status, headers={"Retry-After": "77"})]
    with pytest.raises(ChannelBusy) as raised:
        channel.deliver(message(), network)
    assert raised.value.retry_after == 77
    channel.deliver(message(), network)


@each_kind
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410])
def test_what_does_not_pass_is_not(name: str, status: int, receiver: HttpReceiver, network: Network) -> None:
    said = f"<b>no</b>\n such {SECRET_WORDS} " + "x" * 5000
    receiver.answers = [Answer(status, said, {"Location": f"{receiver.url}/elsewhere"})]
    with pytest.raises(ChannelRefused) as raised:
        http_channel(name, receiver.url).deliver(message(), network)
    assert len(receiver.requests) == 1
    assert HERE in str(raised.value)
    assert SECRET_WORDS not in str(raised.value)
    assert "<b>" not in str(raised.value)
    assert len(str(raised.value)) < 400


@each_kind
def test_a_private_address_is_refused_and_never_reached(
    name: str, receiver: HttpReceiver, network: Network, strict: Network
) -> None:
    channel = http_channel(name, receiver.url)
    with pytest.raises(ChannelRefused, match="EMBERWATCH_CHANNEL_PRIVATE_HOSTS"):
        channel.deliver(message(), strict)
    assert receiver.requests == []
    channel.deliver(message(), network)
    assert receiver.requests


@each_kind
def test_a_host_that_is_not_there_is_tried_again(name: str, network: Network) -> None:
    with pytest.raises(ChannelBusy, match="could not be reached"):
        http_channel(name, f"http://{HERE}:1").deliver(message(), network)


def test_a_proxy_is_not_asked_for_what_is_known_to_be_private(
    receiver: HttpReceiver, strict: Network, network: Network
) -> None:
    channel = http_channel("webhook", receiver.url)
    with pytest.raises(ChannelRefused, match="private address"):
        channel.deliver(message(), replace(strict, proxy_url="http://127.0.0.1:1"))
    # What the operator names is reached directly.
    channel.deliver(message(), replace(network, proxy_url="http://127.0.0.1:1"))
    assert len(receiver.requests) == 1


@each_kind
def test_an_answer_that_takes_too_long_is_tried_again(
    name: str, receiver: HttpReceiver, network: Network
) -> None:
    channel = http_channel(name, receiver.url)
    receiver.answers = [Answer(after=0.5)]
    with pytest.raises(ChannelBusy, match="did not answer in time"):
        channel.deliver(message(), replace(network, seconds=0.2))


@each_kind
def test_an_answer_without_an_end_is_cut(name: str, receiver: HttpReceiver, network: Network) -> None:
    receiver.answers = [Answer(400, "no ", floods=True)]
    with pytest.raises(ChannelRefused, match="It says: no x"):
        http_channel(name, receiver.url).deliver(message(), network)


@each_kind
def test_an_answer_that_drips_is_ended_as_a_whole(
    name: str, receiver: HttpReceiver, network: Network
) -> None:
    receiver.answers = [Answer(drips=True)]
    with Deadline(0.3) as deadline:
        # Far below the time limit of one read, which a drop in time never reaches.
        with suppress(ChannelError):
            http_channel(name, receiver.url).deliver(message(), replace(network, deadline=deadline))
        assert deadline.is_over
    assert len(receiver.requests) == 1
