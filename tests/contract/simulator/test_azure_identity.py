"""Unmodified azure-identity gets app-only tokens from the simulator, and shows its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    WorkloadIdentityCredential,
)

from emberwatch.simulator import SimulatedEntra
from tests.contract.simulator.credentials import CLIENT_ID, DIRECTORY_ID, SECRET, Keys, world
from tests.unit.simulator.issuers import Issuer, published


@pytest.fixture
def keys() -> Keys:
    return Keys.make()


@pytest.fixture
def entra(keys: Keys, tmp_path: Path) -> Iterator[SimulatedEntra]:
    with SimulatedEntra(world(keys), ca_file=tmp_path / "ca.pem") as running:
        yield running


def settings(entra: SimulatedEntra) -> dict[str, Any]:
    return {
        "authority": entra.url,
        "disable_instance_discovery": True,
        "connection_verify": str(entra.ca_file),
        "retry_total": 0,
    }


def roles(token: str) -> list[str]:
    claims: list[str] = jwt.decode(token, options={"verify_signature": False})["roles"]
    return claims


def test_a_secret(entra: SimulatedEntra) -> None:
    with ClientSecretCredential(DIRECTORY_ID, CLIENT_ID, SECRET, **settings(entra)) as credential:
        token = credential.get_token(f"{entra.graph_url}/.default")
    assert roles(token.token) == ["Directory.Read.All"]


def test_a_certificate(entra: SimulatedEntra, keys: Keys) -> None:
    data = (keys.private_pem + keys.public_pem).encode()
    options = settings(entra)
    with CertificateCredential(DIRECTORY_ID, CLIENT_ID, certificate_data=data, **options) as credential:
        token = credential.get_token(f"{entra.graph_url}/.default")
    assert roles(token.token) == ["Directory.Read.All"]


@pytest.mark.parametrize(
    ("client_id", "secret", "code"),
    [
        (CLIENT_ID, "wrong-secret", 7000215),
        ("bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee", SECRET, 700016),
    ],
)
def test_refusals_raise_its_own_error_with_the_code(
    entra: SimulatedEntra, client_id: str, secret: str, code: int
) -> None:
    with (
        ClientSecretCredential(DIRECTORY_ID, client_id, secret, **settings(entra)) as credential,
        pytest.raises(ClientAuthenticationError, match=f"AADSTS{code}"),
    ):
        credential.get_token(f"{entra.graph_url}/.default")


def test_an_unknown_certificate_raises_its_own_error_with_the_code(entra: SimulatedEntra) -> None:
    stranger = Keys.make()
    data = (stranger.private_pem + stranger.public_pem).encode()
    options = settings(entra)
    with (
        CertificateCredential(DIRECTORY_ID, CLIENT_ID, certificate_data=data, **options) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700027"),
    ):
        credential.get_token(f"{entra.graph_url}/.default")


def test_workload_identity_reads_its_token_from_a_file(keys: Keys, tmp_path: Path) -> None:
    with (
        published(tmp_path) as issuer,
        SimulatedEntra(world(keys, issuer.fetched_trust()), ca_file=tmp_path / "ca.pem") as running,
    ):
        path = tmp_path / "token"
        names = {"tenant_id": DIRECTORY_ID, "client_id": CLIENT_ID, "token_file_path": str(path)}
        path.write_text(issuer.token(running.clock()))
        with WorkloadIdentityCredential(**names, **settings(running)) as credential:
            token = credential.get_token(f"{running.graph_url}/.default")
        assert roles(token.token) == ["Directory.Read.All"]
        path.write_text(issuer.token(running.clock(), aud="api://other"))
        with (
            WorkloadIdentityCredential(**names, **settings(running)) as credential,
            pytest.raises(ClientAuthenticationError, match="AADSTS700212"),
        ):
            credential.get_token(f"{running.graph_url}/.default")


def test_an_assertion_from_a_function(keys: Keys, tmp_path: Path) -> None:
    issuer = Issuer()
    with SimulatedEntra(world(keys, issuer.trust()), ca_file=tmp_path / "ca.pem") as running:
        options = settings(running)
        with ClientAssertionCredential(
            DIRECTORY_ID, CLIENT_ID, lambda: issuer.token(running.clock()), **options
        ) as credential:
            token = credential.get_token(f"{running.graph_url}/.default")
    assert roles(token.token) == ["Directory.Read.All"]
