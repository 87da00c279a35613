"""How a channel reaches the outside: HTTP clients and sockets behind the private-address guard."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from emberwatch.core.clock import Clock, utc_now
from emberwatch.http.client import ClientOptions, build_client, trusted_authorities
from emberwatch.http.deadline import Deadline
from emberwatch.http.guard import (
    NO_PRIVATE_HOSTS,
    AddressNotAllowed,
    NameUnknown,
    PrivateHosts,
    allowed_address,
)

# What the guard raises where no HTTP client stands between.
REFUSED_CONNECTIONS: Final = (NameUnknown, AddressNotAllowed)


@dataclass(frozen=True, slots=True)
class Network:
    """What the operator allows. A channel reaches nothing in any other way."""

    private_hosts: PrivateHosts = NO_PRIVATE_HOSTS
    proxy_url: str | None = None
    ca_file: Path | None = None
    login_urls: Mapping[str, str] = field(default_factory=dict)
    """The sign-in addresses of Microsoft's clouds, by the cloud's name."""
    operators_clouds: Mapping[str, Path | None] = field(default_factory=dict)
    """Clouds of the operator's own, which may lie at a private address, with the authorities that they trust."""
    clock: Clock = utc_now
    sleep: Callable[[float], None] = time.sleep
    seconds: float = 20.0
    """How long one answer may take."""
    deadline: Deadline | None = None
    """How long everything may take together."""

    def client(self, url: str) -> httpx.Client:
        """A client for the origin of one address. The caller closes it."""
        host = urlsplit(url).hostname or ""
        direct = self.private_hosts.names_host(host)
        if self.proxy_url and not direct:
            self._refuse_known_private(url)
        return build_client(
            ClientOptions(
                (url,),
                proxy_url=None if direct else self.proxy_url,
                private_hosts=self.private_hosts,
                more_authorities=self.ca_file,
                deadline=self.deadline,
            )
        )

    def login_client(self, cloud: str) -> httpx.Client:
        """A client for the sign-in address of a cloud, which is the operator's to name."""
        return build_client(
            ClientOptions(
                (self.login_urls[cloud],),
                ca_file=self.operators_clouds.get(cloud),
                proxy_url=self.proxy_url,
                allow_private=cloud in self.operators_clouds,
                deadline=self.deadline,
            )
        )

    def _refuse_known_private(self, url: str) -> None:
        """The proxy looks names up itself; what is private by all that is known here is not asked of it."""
        parts = urlsplit(url)
        try:
            allowed_address(parts.hostname or "", parts.port or 443, self.private_hosts)
        except NameUnknown:
            return
        except AddressNotAllowed as error:
            raise httpx.ConnectError(str(error)) from error

    def connect(self, host: str, port: int) -> socket.socket:
        """A TCP connection to the very address that was checked."""
        address = allowed_address(host, port, self.private_hosts)
        connection = socket.create_connection((address, port), self.seconds)
        if self.deadline is not None:
            self.deadline.watch(connection)
        return connection

    def datagram(self, host: str, port: int, data: bytes) -> None:
        """Sends one UDP packet to the very address that was checked."""
        address = allowed_address(host, port, self.private_hosts)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(data, (address, port))

    def tls(self) -> ssl.SSLContext:
        return trusted_authorities(None, self.ca_file)
