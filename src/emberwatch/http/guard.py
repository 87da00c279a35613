"""Refuses connections to private addresses.

A name is resolved once and the connection goes to the very address that was checked, so a second answer
from DNS (rebinding) cannot lead elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import httpcore

from emberwatch.http.deadline import Deadline

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class NameUnknown(httpcore.ConnectError):
    """The host's name leads to no address."""


class AddressNotAllowed(httpcore.ConnectError):
    """The host's name leads into a private network."""


def is_public(address: str) -> bool:
    """True for addresses of the public Internet; false for private, loopback, link-local and reserved ones."""
    ip = _plain(address)
    return ip.is_global and not ip.is_multicast


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return ip.ipv4_mapped
    return ip


@dataclass(frozen=True, slots=True)
class PrivateHosts:
    """What the operator lets be reached although it is private: hosts by name, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[_Network, ...] = field(default=())

    @classmethod
    def of(cls, entries: Iterable[str]) -> PrivateHosts:
        """From names, addresses and networks as the setting holds them."""
        names, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                names.add(entry.lower())
        return cls(frozenset(names), tuple(networks))

    def names_host(self, host: str) -> bool:
        """Whether the host itself is listed, whatever its name leads to."""
        return host.lower() in self.names or self._holds(host)

    def let(self, host: str, address: str) -> bool:
        return host.lower() in self.names or self._holds(address)

    def _holds(self, address: str) -> bool:
        try:
            ip = _plain(address)
        except ValueError:
            return False
        return any(ip.version == network.version and ip in network for network in self.networks)


NO_PRIVATE_HOSTS: Final = PrivateHosts()


class WatchedBackend(httpcore.NetworkBackend):
    """Wraps a network backend and shows each connection to whoever watches over it."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline | None = None) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._inner.connect_tcp(
            host, port, timeout=timeout, local_address=local_address, socket_options=socket_options
        )
        connection = stream.get_extra_info("socket")
        if self._deadline is not None and connection is not None:
            self._deadline.watch(connection)
        return stream

    def connect_unix_socket(self, *_: typing.Any, **__: typing.Any) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("unix sockets are not reachable from here")

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class GuardedBackend(WatchedBackend):
    """Lets only public addresses through, and those that the operator allows."""

    def __init__(
        self,
        inner: httpcore.NetworkBackend,
        private_hosts: PrivateHosts = NO_PRIVATE_HOSTS,
        deadline: Deadline | None = None,
    ) -> None:
        super().__init__(inner, deadline)
        self._private_hosts = private_hosts

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = allowed_address(host, port, self._private_hosts)
        return super().connect_tcp(address, port, timeout, local_address, socket_options)


def allowed_address(host: str, port: int, private_hosts: PrivateHosts = NO_PRIVATE_HOSTS) -> str:
    """The address to connect to. Raises :class:`NameUnknown` or :class:`AddressNotAllowed`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NameUnknown(f"the name {host} does not resolve") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not all(is_public(address) or private_hosts.let(host, address) for address in addresses):
        raise AddressNotAllowed(f"{host} leads to a private address, which is not allowed")
    return addresses[0]
