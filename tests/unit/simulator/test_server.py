from __future__ import annotations

import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from emberwatch.simulator import FaultRule, SimulatedEntra
from tests.unit.simulator.worlds import CLIENT_ID, DIRECTORY_ID, PASSWORD, SECRET, UPN, scenario


def client_for(ca_file: Path | str, **options: Any) -> httpx.Client:
    return httpx.Client(verify=ssl.create_default_context(cafile=str(ca_file)), **options)


def sign_in(client: httpx.Client, url: str, password: str = PASSWORD) -> httpx.Response:
    form = {
        "grant_type": "password",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "scope": "openid",
        "username": UPN,
        "password": password,
    }
    return client.post(f"{url}/{DIRECTORY_ID}/oauth2/v2.0/token", data=form)


@pytest.fixture
def entra(tmp_path: Path) -> Iterator[SimulatedEntra]:
    with SimulatedEntra(scenario(), ca_file=tmp_path / "ca.pem") as running:
        yield running


@pytest.fixture
def client(entra: SimulatedEntra) -> Iterator[httpx.Client]:
    with client_for(entra.ca_file, timeout=5) as opened:
        yield opened


def test_the_journey_of_an_app_over_the_wire(entra: SimulatedEntra, client: httpx.Client) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "scope": f"{entra.graph_url}/.default",
    }
    token = client.post(f"{entra.url}/{DIRECTORY_ID}/oauth2/v2.0/token", data=form).json()["access_token"]
    users = client.get(f"{entra.graph_url}/v1.0/users", headers={"authorization": f"Bearer {token}"})
    assert [row["userPrincipalName"] for row in users.json()["value"]] == [UPN]


def test_the_authority_is_readable_by_its_owner_only_and_is_needed(entra: SimulatedEntra) -> None:
    assert stat.S_IMODE(entra.ca_file.stat().st_mode) == 0o600
    with httpx.Client() as stranger, pytest.raises(httpx.ConnectError):
        stranger.get(entra.url)


def test_one_connection_serves_many_requests(entra: SimulatedEntra) -> None:
    context = ssl.create_default_context(cafile=str(entra.ca_file))
    port = int(entra.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as line,
    ):
        for _ in range(3):
            line.sendall(b"GET /portal HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_never_finishes_its_handshake_holds_up_nobody(
    entra: SimulatedEntra, client: httpx.Client
) -> None:
    port = int(entra.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        assert client.get(f"{entra.url}/portal").status_code == 200


def test_the_portal_says_what_it_is_and_may_load_nothing(entra: SimulatedEntra, client: httpx.Client) -> None:
    link = f"{entra.portal_url}/#view/Microsoft_AAD_UsersAndTenants/UserProfileMenuBlade/~/overview/userId/1"
    page = client.get(link)
    assert "Simulated Microsoft Entra admin center" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(("kind", "failures"), [("drop", 0), ("drop_after", 1)])
def test_cut_connections_reach_the_client_as_such(
    entra: SimulatedEntra, client: httpx.Client, kind: Any, failures: int
) -> None:
    entra.faults.add(FaultRule(where="token", kind=kind, count=1))
    with pytest.raises(httpx.TransportError):
        sign_in(client, entra.url, "wrong")
    user = entra.directory(DIRECTORY_ID).find(UPN)
    assert user is not None
    assert user.lockout.failures == failures
    assert sign_in(client, entra.url).status_code == 200


def test_a_hang_lasts_until_the_client_gives_up(entra: SimulatedEntra) -> None:
    entra.faults.add(FaultRule(where="token", kind="hang", count=1))
    with client_for(entra.ca_file, timeout=0.2) as hasty:
        with pytest.raises(httpx.ReadTimeout):
            sign_in(hasty, entra.url)
        assert sign_in(hasty, entra.url).status_code == 200


def test_a_stopped_server_refuses_and_takes_up_where_it_left_off(entra: SimulatedEntra) -> None:
    url = entra.url
    entra.directory("corp.example").change_user(UPN, password="Changed-2")
    with client_for(entra.ca_file) as client:
        assert sign_in(client, url).status_code == 400
        entra.stop()
        with pytest.raises(httpx.TransportError):
            sign_in(client, url, "Changed-2")
        entra.start()
        assert entra.url == url
        assert sign_in(client, url, "Changed-2").status_code == 200


def test_a_folder_of_its_own_is_gone_after_the_stop() -> None:
    with SimulatedEntra(scenario()) as running:
        path = running.ca_file
        assert path.exists()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Transfer-Encoding": "chunked"}, 411),
        ({"Content-Length": "99999999"}, 413),
        ({"Content-Length": "x"}, 413),
    ],
)
def test_bodies_that_are_not_read(entra: SimulatedEntra, headers: dict[str, str], status: int) -> None:
    context = ssl.create_default_context(cafile=str(entra.ca_file))
    port = int(entra.url.rpartition(":")[2])
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as line,
    ):
        line.sendall(f"POST /{DIRECTORY_ID}/oauth2/v2.0/token HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
        assert line.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())


def test_without_being_asked_for_there_is_no_control(entra: SimulatedEntra, client: httpx.Client) -> None:
    assert client.get(f"{entra.url}/_simulator/state").status_code == 404


SCENARIO_FILE: dict[str, Any] = {
    "directories": [
        {
            "id": DIRECTORY_ID,
            "name": "Corp",
            "domains": [{"name": "corp.example"}],
            "apps": [
                {"client_id": CLIENT_ID, "secrets": [{"value": SECRET}], "consented_scopes": ["openid"]}
            ],
            "users": [{"upn": UPN, "password": PASSWORD}],
        }
    ]
}


@contextmanager
def process(
    folder: Path, *options: str, world: Mapping[str, Any] | None = None
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    path = folder / "world.json"
    path.write_text(json.dumps(world or SCENARIO_FILE))
    command = [sys.executable, "-m", "emberwatch.simulator", "--scenario", str(path), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield running, json.loads(running.stdout.readline())
        finally:
            running.kill()


def test_as_a_process_it_announces_itself_and_ends_on_a_signal(tmp_path: Path) -> None:
    with process(tmp_path, "--ca-file", str(tmp_path / "own.pem")) as (running, ready):
        assert set(ready) == {"url", "graph_url", "portal_url", "ca_file"}
        assert ready["ca_file"] == str(tmp_path / "own.pem")
        with client_for(ready["ca_file"]) as client:
            assert sign_in(client, ready["url"]).status_code == 200
            running.send_signal(signal.SIGTERM)
            assert running.wait(10) == 0


def test_a_process_with_a_bad_scenario_says_why(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    path.write_text('{"directories": [], "colour": 1}')
    command = [sys.executable, "-m", "emberwatch.simulator", "--scenario", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    assert "colour: unknown key" in ended.stderr


def test_control_of_a_process(tmp_path: Path) -> None:
    with process(tmp_path, "--control") as (_, ready), client_for(ready["ca_file"]) as client:
        control = Control(client, ready["url"], ready["control_token"])
        assert client.get(f"{ready['url']}/_simulator/state").status_code == 403
        assert control.post("noise", upn=UPN, failures=10)["locked"] is True
        assert control.get("state")["locked"][0]["caused_by"] == ["noise"]
        assert sign_in(client, ready["url"]).json()["error_codes"] == [50053]
        control.post("clock", advance=61)
        assert sign_in(client, ready["url"]).status_code == 200
        control.post("faults", rules=[{"where": "token", "kind": "5xx", "count": 1}])
        assert sign_in(client, ready["url"]).status_code == 503
        control.post("user", upn=UPN, changes={"answer": {"code": 599999, "times": 1}})
        assert sign_in(client, ready["url"]).json()["error_codes"] == [599999]
        control.post("block", blocked=True)
        assert sign_in(client, ready["url"]).json()["error_codes"] == [50053]
        codes = [entry["code"] for entry in control.get("journal")]
        assert codes == ["403", "50053", "", "90033", "599999", "50053"][1:]
        assert control.refused("faults", rules=[{"where": "token", "kind": "fire"}]).startswith(
            "ScenarioError"
        )
        assert "cannot change" in control.refused("user", upn=UPN, changes={"created": "x"})


class Control:
    def __init__(self, client: httpx.Client, url: str, token: str) -> None:
        self.client = client
        self.url = f"{url}/_simulator"
        self.headers = {"X-Simulator-Control": token}

    def get(self, name: str) -> Any:
        return self.client.get(f"{self.url}/{name}", headers=self.headers).json()["result"]

    def post(self, name: str, **body: Any) -> Any:
        return self.client.post(f"{self.url}/{name}", json=body, headers=self.headers).json()["result"]

    def refused(self, name: str, **body: Any) -> str:
        answer = self.client.post(f"{self.url}/{name}", json=body, headers=self.headers)
        assert answer.status_code == 400
        return str(answer.json()["error"])


def test_control_of_a_directory_in_a_process(tmp_path: Path) -> None:
    with process(tmp_path, "--control") as (_, ready), client_for(ready["ca_file"]) as client:
        control = Control(client, ready["url"], ready["control_token"])
        ann = control.post("user", upn=UPN, changes={"other_mails": ["a@private.example"], "enabled": False})
        made = control.post("users", user={"upn": "new@corp.example"})
        group = control.post("groups", group={"display_name": "Few"})
        assert control.post("group", id=group, join=[ann, made], rename="Fewer") == [ann, made]
        assert control.post("group", id=group, part=[made]) == [ann]
        control.post("user", id=made, changes={"deleted": "2026-05-04T12:00:00+00:00"})
        names = ("userPrincipalName", "accountEnabled")
        truth = control.post("truth", select=names)
        assert truth["users"] == {ann: {"userPrincipalName": UPN, "accountEnabled": False}}
        assert (truth["deleted"], truth["groups"][group]["members"]) == ([made], [ann])
        control.post("user", id=made, changes={"deleted": None})
        assert made in control.post("truth")["users"]
        control.post("user", id=made, purge=True)
        assert "no user" in control.refused("user", id=made, changes={})
        control.post("group", id=group, delete=True)
        assert control.post("truth")["groups"] == {}
        control.post("group", id=group, restore=True)
        done = control.post("churn", count=20, seed=1, select=names)
        assert sum(done["done"].values()) == 20
        assert done["truth"] == control.post("truth", select=names)
        assert control.post("delta", rules={"page": 7}, reset=True)["page"] == 7
        assert "unknown key" in control.refused("delta", rules={"pages": 7})
        assert "no directory" in control.refused("truth", directory="elsewhere.example")
        assert "no group" in control.refused("group", id="x")


def test_control_of_writes_in_a_process(tmp_path: Path) -> None:
    """A synced account is disabled through Graph, and the next sync puts it back."""
    (own,) = SCENARIO_FILE["directories"]
    (ours,), (ann,) = own["apps"], own["users"]
    roles = ["User.EnableDisableAccount.All", "User.Read.All"]
    synced = {
        **own,
        "synced_writes": True,
        "apps": [{**ours, "granted_roles": roles}],
        "users": [{**ann, "synced": True}, {"upn": "bob@corp.example"}],
    }
    with (
        process(tmp_path, "--control", world={"directories": [synced]}) as (_, ready),
        client_for(ready["ca_file"]) as client,
    ):
        control = Control(client, ready["url"], ready["control_token"])
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "scope": f"{ready['graph_url']}/.default",
        }
        token = client.post(f"{ready['url']}/{DIRECTORY_ID}/oauth2/v2.0/token", data=form).json()[
            "access_token"
        ]
        bearer = {"authorization": f"Bearer {token}"}
        path = f"{ready['graph_url']}/v1.0/users/{UPN}"
        control.post("faults", rules=[{"where": "write", "kind": "drop_after", "count": 1}])
        with pytest.raises(httpx.TransportError):
            client.patch(path, json={"accountEnabled": False}, headers=bearer)
        assert sign_in(client, ready["url"]).json()["error_codes"] == [50057]
        answer = client.patch(path, json={"accountEnabled": False}, headers=bearer)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-length" not in answer.headers
        (ann_id,) = control.post("sync")
        assert control.get("writes") == {ann_id: {"disable": {"204": 2}}}
        assert sign_in(client, ready["url"]).status_code == 200
        assert control.post("sync") == []
        control.post("user", upn=UPN, changes={"enabled": False})
        assert control.post("sync", upn=UPN) == [ann_id]
        assert sign_in(client, ready["url"]).status_code == 200
        assert "is not synced" in control.refused("sync", upn="bob@corp.example")


def test_control_of_an_app_rotates_its_secret(tmp_path: Path) -> None:
    with process(tmp_path, "--control") as (_, ready), client_for(ready["ca_file"]) as client:
        control = Control(client, ready["url"], ready["control_token"])
        assert sign_in(client, ready["url"]).status_code == 200
        control.post("app", app={"client_id": CLIENT_ID, "secrets": [{"value": "another"}]})
        assert sign_in(client, ready["url"]).json()["error_codes"] == [7000215]
        assert control.get("requests")["token:password"] == {"200": 1, "401": 1}
        control.post("turbulence", rate=1, where="token", retry_after=7)
        refused = [entry for entry in tried(client, ready["url"], 12) if entry is not None]
        assert {answer.headers["Retry-After"] for answer in refused} == {"7"}
        assert 0 < len(refused) < 12
        control.post("faults", rules=[])
        control.post("tokens")


def tried(client: httpx.Client, url: str, times: int) -> Iterator[httpx.Response | None]:
    """Sign-ins, with None for a connection that was cut."""
    for _ in range(times):
        try:
            yield sign_in(client, url)
        except httpx.TransportError:
            yield None


def test_moving_the_clock_does_not_wait(entra: SimulatedEntra, client: httpx.Client) -> None:
    began = time.monotonic()
    for number in range(10):
        sign_in(client, entra.url, f"wrong {number}")
    assert sign_in(client, entra.url).json()["error_codes"] == [50053]
    entra.clock.advance(61)
    assert sign_in(client, entra.url).status_code == 200
    assert time.monotonic() - began < 60
