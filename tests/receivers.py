"""Real small servers that alerts are sent to: they note what arrives and answer what a test tells them to."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HERE = "127.0.0.1"


@dataclass
class Received:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    """Seconds that it takes its time."""
    drips: bool = False
    """Sends a body without an end, a little at a time; ``floods``: as fast as it can."""
    floods: bool = False


class HttpReceiver:
    """Answers each request by ``answers``, one after the other, then by ``route``, then with 200."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.answers: list[Answer] = []
        self.route: Callable[[Received], Answer] = lambda _: Answer()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._answer(self)

            def do_GET(self) -> None:
                receiver._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HERE, 0), Handler)
        self._scheme = "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://{HERE}:{self._server.server_port}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        found = Received(
            handler.command, parts.path, parse_qs(parts.query), dict(handler.headers.items()), body
        )
        self.requests.append(found)
        answer = self.answers.pop(0) if self.answers else self.route(found)
        time.sleep(answer.after)
        data = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        endless = answer.drips or answer.floods
        length = {} if endless else {"Content-Length": str(len(data))}
        for name, value in {**length, **answer.headers}.items():
            handler.send_header(name, value)
        with suppress(OSError):
            # Whoever asked may have gone.
            handler.end_headers()
            handler.wfile.write(data)
            while answer.drips or answer.floods:
                handler.wfile.write(b"x" * (1 if answer.drips else 65_536))
                time.sleep(0.02 if answer.drips else 0)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def http_receiver(tls: ssl.SSLContext | None = None) -> Iterator[HttpReceiver]:
    receiver = HttpReceiver(tls)
    try:
        yield receiver
    finally:
        receiver.stop()


class SmtpReceiver:
    """A mail server. ``refusal`` is what it answers to a message instead of taking it."""

    def __init__(
        self, *, password: str = "", tls: ssl.SSLContext | None = None, implicit: bool = False
    ) -> None:
        self.mails: list[Envelope] = []
        self.refusal = ""
        self.refused_recipients: dict[str, str] = {}
        self._password = password
        options: dict[str, Any] = {"tls_context": tls} if tls and not implicit else {}
        if password:
            options |= {
                "authenticator": self._sign_in,
                "auth_required": True,
                "auth_require_tls": tls is not None and not implicit,
            }
        self._controller = Controller(
            self, hostname=HERE, port=_free_port(), ssl_context=tls if implicit else None, **options
        )
        self._controller.start()

    @property
    def port(self) -> int:
        return self._controller.port

    def _sign_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data.password.decode() == self._password, handled=False)

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        self.mails.append(envelope)
        return "250 taken"

    def stop(self) -> None:
        self._controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


class SyslogReceiver:
    """Takes packets over UDP, or a stream over TCP or TLS, until it is asked what came."""

    def __init__(self, *, stream: bool, tls: ssl.SSLContext | None = None) -> None:
        kind = socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind((HERE, 0))
        self._socket.settimeout(10)
        self._tls = tls
        if stream:
            self._socket.listen()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def packet(self) -> bytes:
        return self._socket.recv(65_536)

    def stream(self, found: list[bytes]) -> threading.Thread:
        """Reads one connection to its end in the background."""

        def read() -> None:
            connection, _ = self._socket.accept()
            # A sender that does not trust us breaks off.
            with suppress(OSError), connection:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                with connection:
                    while data := connection.recv(65_536):
                        found.append(data)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._socket.close()


@dataclass(frozen=True)
class Authority:
    """An authority of our own, and the context of a server that it vouches for."""

    ca_file: Path
    server: ssl.SSLContext


def make_authority(folder: Path, *names: str) -> Authority:
    authority = trustme.CA()
    ca_file = folder / "authority.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or (HERE, "localhost"))).configure_cert(context)
    return Authority(ca_file, context)
