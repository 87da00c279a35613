"""The server: TLS from a certificate authority made at start, HTTP/1.1, one thread a connection."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import trustme

from emberwatch.simulator.clock import SimClock
from emberwatch.simulator.context import Context, Route
from emberwatch.simulator.control import control_routes
from emberwatch.simulator.faults import FaultPlan
from emberwatch.simulator.journal import Journal
from emberwatch.simulator.keys import TokenKey
from emberwatch.simulator.messages import Reply, Request
from emberwatch.simulator.scenario import Scenario
from emberwatch.simulator.service import Service
from emberwatch.simulator.state import DirectoryState, World

_LOG: Final = logging.getLogger("emberwatch.simulator")
_LARGEST_BODY: Final = 1 << 20
_IDLE_SECONDS: Final = 120.0
_NO_CONTENT: Final = 204


class SimulatedEntra:
    """A running Entra ID, Graph and admin center on one local address.

    ::

        with SimulatedEntra(scenario) as entra:
            httpx.get(f"{entra.graph_url}/v1.0/users", verify=entra.ca_file)

    The certificate authority is written to ``ca_file`` (mode 0600), or to a folder that is removed at stop.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        port: int = 0,
        ca_file: Path | None = None,
        clock: SimClock | None = None,
        control: bool = False,
    ) -> None:
        self.clock = clock or SimClock(scenario.start)
        self.world = World(scenario, self.clock)
        self.faults = FaultPlan(scenario.faults, seed=scenario.seed)
        self.journal = Journal()
        self.control_token = secrets.token_urlsafe(24) if control else ""
        self._authority = trustme.CA(organization_name="Emberwatch simulator")
        self._key = TokenKey()
        self._port = port
        self._wanted_ca_file = ca_file
        self._folder: Path | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> SimulatedEntra:
        """Bind and answer from a thread of its own; after a stop it takes up where it left off."""
        if self._server is not None:
            raise RuntimeError("the simulator runs already")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1", "localhost").configure_cert(tls)
        self._server = _Server(self._port, tls)
        self._port = self._server.server_address[1]
        self.ca_file = self._write_ca()
        context = Context(self.world, self._key, self.url, self.journal, self.faults)
        self._server.service = Service(context, self._extra_routes())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="simulator", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Cut every connection and free the port; a second call does nothing."""
        if self._server is None or self._thread is None:
            return
        self._server.service.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.close_all()
        self._server = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> SimulatedEntra:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The login address: ``https://127.0.0.1:PORT``."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def graph_url(self) -> str:
        """The Graph address, without ``/v1.0``: also the resource to ask tokens for."""
        return self.url

    @property
    def portal_url(self) -> str:
        """The admin center's address; deep links are ``{portal_url}/#view/…``."""
        return f"{self.url}/portal"

    def directory(self, name: str) -> DirectoryState:
        """A directory's living state, by its GUID or a domain name."""
        found = self.world.directory(name)
        if found is None:
            raise KeyError(name)
        return found

    def _extra_routes(self) -> Iterable[Route]:
        return control_routes(self.control_token, self.clock, self.faults) if self.control_token else ()

    def _write_ca(self) -> Path:
        if self._wanted_ca_file is None:
            self._folder = Path(tempfile.mkdtemp(prefix="emberwatch-simulator-"))
        path = self._wanted_ca_file or Path(str(self._folder)) / "ca.pem"
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self._authority.cert_pem.bytes())
        return path


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Idle keep-alive connections would otherwise hold up the stop.
    block_on_close = False
    request_queue_size = 128
    service: Service

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        raw, address = super().get_request()
        # The handshake happens in the connection's own thread: a slow client must not stop the others.
        wrapped = self._tls.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
        with self._guard:
            self._open.add(wrapped)
        return wrapped, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 — the base class calls it
        # A client that leaves early is ordinary; anything else is a mistake of the simulator's own.
        level = logging.DEBUG if isinstance(sys.exception(), OSError) else logging.ERROR
        _LOG.log(level, "connection of %s ended early", client_address, exc_info=True)

    def close_all(self) -> None:
        self.server_close()
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                _LOG.debug("a connection was closed already")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "EmberwatchSimulator"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.do_handshake()

    def handle_one_request(self) -> None:
        """Read one request of any method and answer it."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        if body is None:
            return
        request = Request(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            source=self.client_address[0],
        )
        outcome = self.server.service.handle(request)
        if outcome.reply is None:
            self.close_connection = True
        else:
            self._send(outcome.reply)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            self.send_error(411)
            self.close_connection = True
            return None
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.send_error(413)
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != _NO_CONTENT:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers_with(b"" if self.command == "HEAD" else reply.body)

    def end_headers_with(self, body: bytes) -> None:
        """Headers and body in one write: two would cost a second TLS record and a delay."""
        buffered: list[bytes] = self._headers_buffer  # type: ignore[attr-defined]
        self.wfile.write(b"".join([*buffered, b"\r\n", body]))
        buffered.clear()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the name is the base class's
        _LOG.debug(format, *args)
