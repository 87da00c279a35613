"""Syslog (RFC 5424) with events in CEF, over UDP, TCP or TLS."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from typing import Final

from emberwatch import __version__
from emberwatch.channels import checks
from emberwatch.channels.base import (
    ChannelBusy,
    Field,
    FieldKind,
    Item,
    Kind,
    Message,
    Receipt,
    Secrets,
    Settings,
    moment,
)
from emberwatch.channels.exchange import unreachable
from emberwatch.channels.network import REFUSED_CONNECTIONS, Network
from emberwatch.channels.wording import one_line

UDP: Final = "udp"
TCP: Final = "tcp"
TLS: Final = "tls"
# Facility "log audit" (13); the severities of syslog and of CEF for ours.
_FACILITY: Final = 13
_SYSLOG_LEVELS: Final[Mapping[str, int]] = {"none": 6, "low": 6, "medium": 5, "high": 4, "critical": 2}
_CEF_LEVELS: Final[Mapping[str, int]] = {"none": 0, "low": 3, "medium": 5, "high": 8, "critical": 10}
_LONGEST_VALUE: Final = 1000
# A packet above this is cut by many receivers.
_LONGEST_PACKET: Final = 8000
_GOODBYE_SECONDS: Final = 2.0


def deliver(message: Message, settings: Settings, _secrets: Secrets, network: Network) -> Receipt:
    host, port = settings["host"], int(settings["port"])
    lines = [line(item, message).encode() for item in message.items]
    try:
        if settings["transport"] == UDP:
            for each in lines:
                network.datagram(host, port, _cut(each))
            return Receipt(sentence="UDP does not tell whether anybody listens.")
        _over_tcp(lines, settings, host, port, network)
    except TimeoutError:
        raise ChannelBusy(f"{host} did not answer in time.") from None
    except (OSError, *REFUSED_CONNECTIONS) as error:
        raise unreachable(host, error) from None
    return Receipt()


def _over_tcp(lines: list[bytes], settings: Settings, host: str, port: int, network: Network) -> None:
    with network.connect(host, port) as plain:
        if settings["transport"] != TLS:
            _send(plain, lines)
            return
        with network.tls().wrap_socket(plain, server_hostname=host) as encrypted:
            _send(encrypted, lines)


def _send(connection: socket.socket, lines: list[bytes]) -> None:
    """Each message with its length before it (RFC 6587, RFC 5425), then a close that notices a refusal."""
    for each in lines:
        connection.sendall(b"%d %b" % (len(each), each))
    connection.settimeout(_GOODBYE_SECONDS)
    try:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    except TimeoutError:
        # Most receivers keep a connection open and say nothing: that is no fault.
        return


def line(item: Item, message: Message) -> str:
    priority = _FACILITY * 8 + _SYSLOG_LEVELS[item.severity]
    return f"<{priority}>1 {item.at} emberwatch emberwatch - {item.fact[:32]} - {cef(item, message)}"


def cef(item: Item, message: Message) -> str:
    """The header parted by bars, then names and values; the escapes of the two differ."""
    title = one_line(item.title, 200)
    header = ("Emberwatch", "Emberwatch", __version__, item.fact, title, str(_CEF_LEVELS[item.severity]))
    values = " ".join(f"{name}={_value(value)}" for name, value in _extension(item, message) if value)
    return f"CEF:0|{'|'.join(_header(part) for part in header)}|{values}"


def _extension(item: Item, message: Message) -> Iterator[tuple[str, str]]:
    yield "externalId", item.id
    yield "rt", _milliseconds(item.at)
    yield "cat", item.fact
    yield "duser", item.data.get("login", "")
    yield "outcome", item.data.get("verdict", "")
    yield "reason", " ".join(item.reasons)
    yield "msg", "; ".join(f"{label}: {value}" for label, value in item.facts)
    yield "request", item.link
    numbered = (
        ("tenant", message.tenant),
        ("rule", message.rule),
        ("identity", item.data.get("identity", "")),
        ("certainty", item.data.get("certainty", "")),
        ("accountLink", item.account_link),
        ("delivery", message.id),
    )
    for number, (label, value) in enumerate(numbered, start=1):
        if value:
            yield f"cs{number}Label", label
            yield f"cs{number}", value


def _milliseconds(at: str) -> str:
    return str(int(moment(at).timestamp() * 1000))


def _header(text: str) -> str:
    return _flat(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return one_line(text, _LONGEST_VALUE).replace("\\", "\\\\").replace("=", "\\=")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _cut(packet: bytes) -> bytes:
    """At a whole character."""
    return packet[:_LONGEST_PACKET].decode("utf-8", "ignore").encode()


KIND: Final = Kind(
    name="syslog",
    label="Syslog (CEF)",
    deliver=deliver,
    most_items=200,
    takes_all=True,
    fields=(
        Field("host", "Host", check=checks.host, leads=True),
        Field("port", "Port", default="6514", check=checks.port, leads=True),
        Field(
            "transport",
            "Transport",
            FieldKind.CHOICE,
            default=TLS,
            choices=(
                (TLS, "TLS (usually port 6514)"),
                (TCP, "TCP (usually port 601 or 514)"),
                (UDP, "UDP (usually port 514)"),
            ),
            leads=True,
        ),
    ),
)
