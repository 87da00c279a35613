"""Refuses connections to private addresses.

A name is resolved once and the connection goes to the very address that was checked, so a second answer
from DNS (rebinding) cannot lead elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
import typing
from collections.abc import Iterable

import httpcore


class NameUnknown(httpcore.ConnectError):
    """The host's name leads to no address."""


class AddressNotAllowed(httpcore.ConnectError):
    """The host's name leads into a private network."""


def is_public(address: str) -> bool:
    """True for addresses of the public Internet; false for private, loopback, link-local and reserved ones."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


class GuardedBackend(httpcore.NetworkBackend):
    """Wraps a network backend and lets only public addresses through."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = _public_address(host, port)
        return self._inner.connect_tcp(
            address, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )

    def connect_unix_socket(self, *_: typing.Any, **__: typing.Any) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("unix sockets are not reachable from here")

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


def _public_address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise NameUnknown(f"the name {host} does not resolve") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not all(is_public(address) for address in addresses):
        raise AddressNotAllowed(f"{host} leads to a private address, which is not allowed")
    return addresses[0]
