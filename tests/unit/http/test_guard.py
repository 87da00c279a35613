"""Which addresses outgoing requests may reach, and what a dry run refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from emberwatch.http.client import ClientOptions, DryRunRefused, OriginRefused, build_client
from emberwatch.http.guard import PrivateHosts, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
        "100.64.0.1",
        "::",
    ],
)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["20.190.128.1", "2603:1006:2000::1"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"reached")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    httpd = HTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://localhost:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def test_the_guard_refuses_what_the_operators_own_cloud_may_reach(server: str) -> None:
    with build_client(ClientOptions((server,), allow_private=True)) as allowed:
        assert allowed.get(server).text == "reached"
    with (
        build_client(ClientOptions((server,))) as guarded,
        pytest.raises(httpx.ConnectError, match="private address"),
    ):
        guarded.get(server)


def test_a_dry_run_reads_and_refuses_every_write(server: str) -> None:
    with build_client(ClientOptions((server,), allow_private=True, dry_run=True)) as client:
        assert client.get(server).text == "reached"
        for method in ("POST", "PATCH", "PUT", "DELETE"):
            with pytest.raises(DryRunRefused):
                client.request(method, server)


def test_the_environment_of_the_process_changes_nothing(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with build_client(ClientOptions((server,), allow_private=True)) as client:
        assert client.get(server).text == "reached"


def test_a_client_reaches_no_place_that_it_was_not_built_for(server: str) -> None:
    with build_client(ClientOptions((server,), allow_private=True)) as client:
        assert client.get(server + "/any/path").text == "reached"
        for elsewhere in (
            "https://localhost",
            server.replace("localhost", "127.0.0.1"),
            "http://localhost:1",
        ):
            with pytest.raises(OriginRefused):
                client.get(elsewhere)


@pytest.mark.parametrize(
    ("entries", "host", "address", "let"),
    [
        ([], "siem.corp.example", "10.0.0.1", False),
        (["siem.corp.example"], "SIEM.corp.example", "10.0.0.1", True),
        (["siem.corp.example"], "other.corp.example", "10.0.0.1", False),
        (["10.0.0.0/8"], "siem.corp.example", "10.1.2.3", True),
        (["10.0.0.0/8"], "siem.corp.example", "192.168.0.1", False),
        (["10.0.0.7"], "siem.corp.example", "10.0.0.7", True),
        (["10.0.0.0/8"], "siem.corp.example", "::ffff:10.1.2.3", True),
        (["fd00::/8"], "siem.corp.example", "fd00::1%eth0", True),
    ],
)
def test_what_the_operator_lets_through(entries: list[str], host: str, address: str, let: bool) -> None:
    assert PrivateHosts.of(entries).let(host, address) is let


def test_a_host_that_is_named_is_reached(server: str) -> None:
    with build_client(ClientOptions((server,), private_hosts=PrivateHosts.of(["localhost"]))) as client:
        assert client.get(server).text == "reached"
    with (
        build_client(ClientOptions((server,), private_hosts=PrivateHosts.of(["other"]))) as client,
        pytest.raises(httpx.ConnectError, match="private address"),
    ):
        client.get(server)
