"""How far a request gets, each stage in a sentence; and whose clock is wrong."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import trustme

from emberwatch.core.clock import utc_now
from emberwatch.directories.base import CheckState
from emberwatch.directories.entra.reach import Reached, clock_item, reach, reach_item
from emberwatch.http.client import ClientOptions, build_client

NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on a port of its own that does what it is told with each connection."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            try:
                accepted, _ = server.accept()
            except TimeoutError:
                continue
            with accepted:
                serve(accepted)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
    finally:
        ended.set()
        thread.join()
        server.close()


def asked(
    url: str, *, ca_file: Path | None = None, private: bool = True, proxy: str | None = None
) -> Reached:
    options = ClientOptions(origins=(url,), ca_file=ca_file, allow_private=private, proxy_url=proxy)
    with build_client(options) as client:
        return reach(client, f"{url}/x", utc_now)


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return path


AUTHORITY = trustme.CA()


def over_tls(answer: bytes) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)

    def serve(accepted: socket.socket) -> None:
        try:
            with context.wrap_socket(accepted, server_side=True) as tls:
                tls.recv(4096)
                tls.sendall(answer)
        except OSError:
            return

    return serve


def test_any_answer_at_all_means_reached(ca_file: Path) -> None:
    told = b"HTTP/1.1 401 No\r\nDate: Mon, 01 Jun 2026 12:00:00 GMT\r\nContent-Length: 0\r\n\r\n"
    with listening(over_tls(told)) as url:
        found = asked(url, ca_file=ca_file)
    assert found.fault == ""
    assert found.ahead is not None
    assert reach_item("x", found).state is CheckState.OK
    assert url.removeprefix("https://") in reach_item("x", found).sentence


def test_a_name_that_nobody_knows() -> None:
    for private in (True, False):
        found = asked("https://nobody.invalid", private=private)
        assert found.fault == "The name nobody.invalid does not resolve."
        assert reach_item("x", found).state is CheckState.FAULT


def test_a_name_that_leads_into_a_private_network() -> None:
    assert "leads into a private network" in asked("https://localhost:1", private=False).fault


def test_a_port_that_nobody_listens_on() -> None:
    with listening(lambda _: None) as url:
        pass
    found = asked(url)
    assert found.fault.startswith("No connection to 127.0.0.1:")
    assert "firewall" in found.remedy


def test_tls_that_fails_and_a_certificate_that_is_not_trusted() -> None:
    with listening(lambda accepted: accepted.sendall(b"this is no TLS")) as url:
        assert "takes the connection, but TLS fails" in asked(url).fault
    with listening(over_tls(b"")) as url:
        assert "certificate of 127.0.0.1" in asked(url).fault


def test_a_host_that_takes_the_connection_and_says_nothing(ca_file: Path) -> None:
    with listening(over_tls(b"")) as url:
        assert "takes the connection, but does not answer" in asked(url, ca_file=ca_file).fault


def test_a_proxy_that_does_not_lead_there() -> None:
    def refuse(accepted: socket.socket) -> None:
        accepted.recv(4096)
        accepted.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with listening(refuse) as proxy:
        found = asked("https://login.example", proxy=proxy.replace("https", "http"))
    assert found.fault == "The proxy does not lead to login.example."


def test_one_lost_connection_is_no_fault() -> None:
    lost = [httpx.ConnectError("lost"), httpx.ConnectError("lost")]

    def handle(_request: httpx.Request) -> httpx.Response:
        if lost:
            raise lost.pop()
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(handle)) as client:
        assert reach(client, "https://login.example/", lambda: NOW).fault == ""


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        (timedelta(), "agrees"),
        (timedelta(seconds=0.9), "agrees"),
        (timedelta(seconds=60), "agrees"),
        (timedelta(seconds=-60), "agrees"),
        (timedelta(seconds=75), "1 minute ahead of"),
        (timedelta(minutes=7), "7 minutes ahead of"),
        (timedelta(minutes=-7), "7 minutes behind"),
    ],
)
def test_the_clocks_difference_is_told(ours: timedelta, sentence: str) -> None:
    date = {"Date": NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, headers=date))) as client:
        item = clock_item(reach(client, "https://login.example/", lambda: NOW + ours).ahead)
    assert item is not None
    assert sentence in item.sentence
    assert item.state is (CheckState.OK if sentence == "agrees" else CheckState.WARNING)


def test_a_time_that_nobody_told_is_no_agreement() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
        assert clock_item(reach(client, "https://login.example/", lambda: NOW).ahead) is None
