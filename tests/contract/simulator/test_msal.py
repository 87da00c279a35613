"""Unmodified MSAL gets app-only tokens from the simulator, and shows its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msal
import pytest
import requests

from emberwatch.simulator import AppScenario, SimulatedEntra
from tests.contract.simulator.credentials import CLIENT_ID, DIRECTORY_ID, SECRET, Keys, world
from tests.unit.simulator.issuers import published


@pytest.fixture
def keys() -> Keys:
    return Keys.make()


@pytest.fixture
def entra(keys: Keys, tmp_path: Path) -> Iterator[SimulatedEntra]:
    with SimulatedEntra(world(keys), ca_file=tmp_path / "ca.pem") as running:
        yield running


def session(entra: SimulatedEntra) -> requests.Session:
    """A session that trusts the simulator: with ``trust_env`` a CA bundle of the machine's would win."""
    opened = requests.Session()
    opened.trust_env = False
    opened.verify = str(entra.ca_file)
    return opened


def app(
    entra: SimulatedEntra, credential: Any, *, directory: str = DIRECTORY_ID, **options: Any
) -> msal.ConfidentialClientApplication:
    settings: dict[str, Any] = {"instance_discovery": False, "http_client": session(entra), **options}
    return msal.ConfidentialClientApplication(
        CLIENT_ID, authority=f"{entra.url}/{directory}", client_credential=credential, **settings
    )


def ask(application: msal.ConfidentialClientApplication, entra: SimulatedEntra) -> dict[str, Any]:
    answer: dict[str, Any] = application.acquire_token_for_client([f"{entra.graph_url}/.default"])
    return answer


def read_users(entra: SimulatedEntra, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return session(entra).get(f"{entra.graph_url}/v1.0/users", headers=headers, timeout=5)


@pytest.mark.parametrize("directory", [DIRECTORY_ID, "corp.example"])
def test_a_secret(entra: SimulatedEntra, directory: str) -> None:
    answer = ask(app(entra, SECRET, directory=directory), entra)
    assert read_users(entra, answer["access_token"]).status_code == 200


def test_a_token_is_asked_for_once_and_then_kept(entra: SimulatedEntra) -> None:
    application = app(entra, SECRET)
    first, second = ask(application, entra), ask(application, entra)
    assert first["access_token"] == second["access_token"]
    assert len(entra.journal.entries(lambda entry: entry.route.startswith("token:"))) == 1


def test_a_certificate_file(entra: SimulatedEntra, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "client.pfx"
    path.write_bytes(keys.pfx)
    answer = ask(app(entra, {"private_key_pfx_path": str(path), "public_certificate": True}), entra)
    assert read_users(entra, answer["access_token"]).status_code == 200


def test_a_private_key_with_its_thumbprint(entra: SimulatedEntra, keys: Keys) -> None:
    credential = {"private_key": keys.private_pem, "thumbprint": keys.sha1_thumbprint}
    assert "access_token" in ask(app(entra, credential), entra)


def test_with_instance_discovery_on(entra: SimulatedEntra) -> None:
    endpoint = f"{entra.url}/common/discovery/instance"
    application = app(entra, SECRET, instance_discovery=endpoint)
    assert "access_token" in ask(application, entra)
    assert entra.journal.entries(lambda entry: entry.route == "instance discovery")


@pytest.mark.parametrize(
    ("credential", "code"), [("wrong-secret", 7000215), ({"client_assertion": "not a token"}, 50013)]
)
def test_refusals_reach_the_caller(entra: SimulatedEntra, credential: Any, code: int) -> None:
    answer = ask(app(entra, credential), entra)
    assert answer["error"] == "invalid_client"
    assert answer["error_codes"] == [code]
    assert f"AADSTS{code}" in answer["error_description"]


def test_a_certificate_that_is_not_registered(entra: SimulatedEntra) -> None:
    stranger = Keys.make()
    credential = {"private_key": stranger.private_pem, "thumbprint": stranger.sha1_thumbprint}
    assert ask(app(entra, credential), entra)["error_codes"] == [700027]


def test_a_token_of_a_foreign_issuer(keys: Keys, tmp_path: Path) -> None:
    with (
        published(tmp_path) as issuer,
        SimulatedEntra(world(keys, issuer.fetched_trust()), ca_file=tmp_path / "ca.pem") as running,
    ):
        good = {"client_assertion": lambda: issuer.token(running.clock())}
        assert read_users(running, ask(app(running, good), running)["access_token"]).status_code == 200
        bad = {"client_assertion": lambda: issuer.token(running.clock(), sub="another")}
        assert ask(app(running, bad), running)["error_codes"] == [700213]


def test_an_unknown_directory_stops_at_discovery(entra: SimulatedEntra) -> None:
    with pytest.raises(ValueError, match="authority configuration"):
        ask(app(entra, SECRET, directory="nowhere.example"), entra)


def test_a_scripted_block_of_the_app(entra: SimulatedEntra) -> None:
    blocked = AppScenario(
        client_id=CLIENT_ID, secrets=world(Keys.make()).directories[0].apps[0].secrets, token_answer=53003
    )
    entra.directory(DIRECTORY_ID).put_app(blocked)
    answer = ask(app(entra, SECRET), entra)
    assert (answer["error_codes"], answer["suberror"]) == ([53003], "message_only")
