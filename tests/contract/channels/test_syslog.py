"""CEF over UDP, TCP and TLS to a real receiver, read back with the rules of the format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from emberwatch.channels.base import ChannelBusy, ChannelRefused
from emberwatch.channels.network import Network
from emberwatch.channels.syslog import cef
from tests.contract.channels.conftest import Set, item, message, set_up
from tests.receivers import HERE, Authority, SyslogReceiver


@contextmanager
def receiving(*, stream: bool, authority: Authority | None = None) -> Iterator[SyslogReceiver]:
    found = SyslogReceiver(stream=stream, tls=authority.server if authority else None)
    try:
        yield found
    finally:
        found.stop()


def channel(port: int, transport: str) -> Set:
    return set_up("syslog", {"host": HERE, "port": str(port), "transport": transport})


def framed(data: bytes) -> list[str]:
    """Messages out of a stream with their lengths before them."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        found.append(rest[: int(length)].decode())
        data = rest[int(length) :]
    return found


def test_one_packet_for_each_event(network: Network) -> None:
    with receiving(stream=False) as server:
        receipt = channel(server.port, "udp").deliver(message(item(1), item(2)), network)
        first, second = server.packet().decode(), server.packet().decode()
    assert re.match(
        r"<106>1 2026-06-01T11:59:00Z emberwatch emberwatch - active - CEF:0\|Emberwatch\|", first
    )
    assert "externalId=01977c3e-0000-7000-8000-000000000002" in second
    assert "UDP" in receipt.sentence


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_stream_has_lengths(transport: str, network: Network, authority: Authority) -> None:
    long = item(2, reasons=("ä" * 3000,))
    found: list[bytes] = []
    with receiving(stream=True, authority=authority if transport == "tls" else None) as server:
        reading = server.stream(found)
        channel(server.port, transport).deliver(message(item(1), long), network)
        reading.join(10)
    messages = framed(b"".join(found))
    assert len(messages) == 2
    assert all(" - CEF:0|" in each for each in messages)


def test_a_packet_is_never_too_long(network: Network) -> None:
    long = item(1, facts=tuple(("ä", "ö" * 3000) for _ in range(9)), reasons=("ü" * 9000,), title="x" * 9000)
    with receiving(stream=False) as server:
        channel(server.port, "udp").deliver(message(long), network)
        packet = server.packet()
    assert len(packet) <= 8000
    packet.decode()


def test_signs_of_the_format_are_escaped() -> None:
    hostile = item(1, title="a|b\\c\nd", data={"login": "eve=1\\|x\nduser=forged"}, reasons=("r=1 r\\2",))
    text = cef(hostile, message(hostile))
    header, extension = re.fullmatch(r"((?:(?:[^|\\]|\\.)*\|){7})(.*)", text).groups()  # type: ignore[union-attr]
    assert "a\\|b\\\\c d" in header
    assert "\n" not in text
    assert "duser=eve\\=1\\\\|x duser\\=forged " in extension
    assert "reason=r\\=1 r\\\\2 " in extension


def test_tls_to_somebody_else_is_refused(network: Network, authority: Authority) -> None:
    with receiving(stream=True, authority=authority) as server:
        server.stream([])
        with pytest.raises(ChannelRefused, match="is not trusted"):
            channel(server.port, "tls").deliver(message(), replace(network, ca_file=None))


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_private_receiver_is_refused(transport: str, strict: Network) -> None:
    with pytest.raises(ChannelRefused, match="private address"):
        channel(9, transport).deliver(message(), strict)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_receiver_that_is_not_there_is_tried_again(transport: str, network: Network) -> None:
    with pytest.raises(ChannelBusy, match="could not be reached"):
        channel(1, transport).deliver(message(), network)
