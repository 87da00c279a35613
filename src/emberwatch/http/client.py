"""Builds HTTP clients. Every other package is handed one and never makes its own."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import httpcore
import httpx

from emberwatch import __version__
from emberwatch.http.deadline import Deadline
from emberwatch.http.guard import NO_PRIVATE_HOSTS, GuardedBackend, PrivateHosts, WatchedBackend

USER_AGENT: Final = f"Emberwatch/{__version__}"
TIME_LIMITS: Final = httpx.Timeout(20.0, connect=10.0)
_READING_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class DryRunRefused(httpx.TransportError):
    """A client built for a dry run was asked to write."""


class OriginRefused(httpx.TransportError):
    """A client was asked to reach a place that it was not built for."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that left, without its body. ``failure`` is the kind of failure when no answer came."""

    method: str
    path: str
    """Without the query."""
    status: int | None
    failure: str
    seconds: float
    """Until the answer began."""
    headers: Mapping[str, str]
    """Those of the answer."""
    client_request_id: str


OnCall: TypeAlias = Callable[[Call], None]


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """``allow_private`` is for addresses that the operator of the installation has set, never a tenant."""

    origins: tuple[str, ...]
    """The only places that the client reaches, as addresses; nothing that a reply says can add one."""
    ca_file: Path | None = None
    proxy_url: str | None = None
    allow_private: bool = False
    private_hosts: PrivateHosts = NO_PRIVATE_HOSTS
    """What of private networks may be reached all the same, by the operator's word."""
    more_authorities: Path | None = None
    """Trusted beside the system's authorities."""
    deadline: Deadline | None = None
    """Ends what takes too long as a whole."""
    dry_run: bool = False
    asked_by_post: tuple[str, ...] = ()
    """Addresses that change nothing though they are posted to, such as one that gives out tokens."""
    on_call: OnCall | None = None
    """Told of each request once it is answered or has failed."""


class _Gate(httpx.BaseTransport):
    """Stands where requests leave, so that no caller can forget to ask."""

    def __init__(self, inner: httpx.BaseTransport, options: ClientOptions) -> None:
        self._inner = inner
        self._origins = frozenset(_origin(httpx.URL(origin)) for origin in options.origins)
        self._dry_run = options.dry_run
        self._asked_by_post = frozenset(options.asked_by_post)
        self._on_call = options.on_call

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if _origin(request.url) not in self._origins:
            raise OriginRefused(
                f"{request.url.host} is not a place that this client may reach", request=request
            )
        if self._dry_run and self._writes(request):
            raise DryRunRefused(f"dry run: {request.method} was not sent", request=request)
        if self._on_call is None:
            return self._inner.handle_request(request)
        return self._told(request, self._on_call)

    def _writes(self, request: httpx.Request) -> bool:
        asks = request.method == "POST" and str(request.url) in self._asked_by_post
        return request.method not in _READING_METHODS and not asks

    def _told(self, request: httpx.Request, on_call: OnCall) -> httpx.Response:
        began = time.monotonic()
        try:
            reply = self._inner.handle_request(request)
        except Exception as error:
            on_call(_call(request, None, type(error).__name__, began))
            raise
        on_call(_call(request, reply, "", began))
        return reply

    def close(self) -> None:
        self._inner.close()


def _call(request: httpx.Request, reply: httpx.Response | None, failure: str, began: float) -> Call:
    return Call(
        method=request.method,
        path=request.url.path,
        status=reply.status_code if reply is not None else None,
        failure=failure,
        seconds=time.monotonic() - began,
        headers=reply.headers if reply is not None else {},
        client_request_id=request.headers.get("client-request-id", ""),
    )


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme, 0)


def build_client(options: ClientOptions) -> httpx.Client:
    """A client that reaches only its origins, follows no redirects, and reads nothing from the environment."""
    return httpx.Client(
        transport=_transport(options),
        timeout=TIME_LIMITS,
        headers={"User-Agent": USER_AGENT},
        follow_redirects=False,
        trust_env=False,
    )


def _transport(options: ClientOptions) -> httpx.BaseTransport:
    proxy = None if all(_is_loopback(origin) for origin in options.origins) else options.proxy_url
    trusted = trusted_authorities(options.ca_file, options.more_authorities)
    transport = httpx.HTTPTransport(verify=trusted, proxy=proxy, trust_env=False)
    pool = transport._pool
    # httpx has no public way to hand its pool a network backend; a proxy's pool resolves names remotely.
    if isinstance(pool, httpcore.ConnectionPool):
        guarded = proxy is None and not options.allow_private
        pool._network_backend = _backend(pool._network_backend, options, guarded=guarded)
    return _Gate(transport, options)


def _backend(
    inner: httpcore.NetworkBackend, options: ClientOptions, *, guarded: bool
) -> httpcore.NetworkBackend:
    if guarded:
        return GuardedBackend(inner, options.private_hosts, options.deadline)
    return WatchedBackend(inner, options.deadline) if options.deadline else inner


def trusted_authorities(ca_file: Path | None, more: Path | None = None) -> ssl.SSLContext:
    """The system's authorities, or only those of ``ca_file``; with those of ``more`` in either case."""
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if more is not None:
        context.load_verify_locations(cafile=str(more))
    return context


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
