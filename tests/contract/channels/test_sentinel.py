"""Microsoft Sentinel: a token by client credentials from the cloud's own sign-in address, then rows in batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from emberwatch.channels.base import ChannelBusy, ChannelRefused
from emberwatch.channels.network import Network
from emberwatch.channels.sentinel import batches, rows
from tests.contract.channels.conftest import SECRET_WORDS, Set, item, message, set_up
from tests.receivers import Answer, Authority, HttpReceiver, Received, http_receiver

DIRECTORY = "11111111-2222-3333-4444-555555555555"
APPLICATION = "66666666-7777-8888-9999-000000000000"


@pytest.fixture
def azure(authority: Authority) -> Iterator[HttpReceiver]:
    """Both the sign-in service and the ingestion endpoint."""
    with http_receiver(authority.server) as found:
        found.route = lambda request: _route(found, request)
        yield found


def _route(azure: HttpReceiver, request: Received) -> Answer:
    if request.path.endswith("openid-configuration"):
        base = f"{azure.url}/{DIRECTORY}"
        return Answer(
            body={
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "issuer": f"{base}/v2.0",
            }
        )
    if request.path.endswith("/token"):
        form = parse_qs(request.body.decode())
        if form["client_secret"] != [SECRET_WORDS]:
            return Answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid"})
        assert form["scope"] == ["https://monitor.azure.com/.default"]
        return Answer(body={"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"})
    return Answer(204, "")


def channel(azure: HttpReceiver, secret: str = SECRET_WORDS) -> Set:
    settings = {
        "endpoint": azure.url,
        "rule_id": "dcr-0123456789abcdef0123456789abcdef",
        "cloud": "custom",
        "entra_tenant_id": DIRECTORY,
        "client_id": APPLICATION,
    }
    return set_up("sentinel", settings, {"client_secret": secret})


@pytest.fixture
def allowed(network: Network, azure: HttpReceiver, authority: Authority) -> Network:
    return replace(network, login_urls={"custom": azure.url}, operators_clouds={"custom": authority.ca_file})


def test_rows_arrive_with_a_token(azure: HttpReceiver, allowed: Network) -> None:
    channel(azure).deliver(message(item(1), item(2)), allowed)
    sent = azure.requests[-1]
    path = "/dataCollectionRules/dcr-0123456789abcdef0123456789abcdef/streams/Custom-EmberwatchAlerts"
    assert sent.path == path
    assert sent.query == {"api-version": ["2023-01-01"]}
    assert sent.headers["Authorization"] == "Bearer a-token"
    assert [row["AlertId"] for row in sent.json] == [item(1).id, item(2).id]
    assert sent.json[0]["TimeGenerated"] == "2026-06-01T11:59:00Z"
    assert sent.json[0]["Login"] == "ann@contoso.example"


def test_a_wrong_secret_is_for_good_and_says_the_code(azure: HttpReceiver, allowed: Network) -> None:
    with pytest.raises(ChannelRefused, match="AADSTS7000215"):
        channel(azure, "another secret").deliver(message(), allowed)


def test_a_busy_sign_in_service_is_tried_again(azure: HttpReceiver, allowed: Network) -> None:
    azure.answers = [_route(azure, Received("GET", "openid-configuration", {}, {}, b"")), Answer(503)]
    with pytest.raises(ChannelBusy):
        channel(azure).deliver(message(), allowed)


def test_a_private_endpoint_is_refused(azure: HttpReceiver, allowed: Network, strict: Network) -> None:
    refusing = replace(allowed, private_hosts=strict.private_hosts)
    with pytest.raises(ChannelRefused, match="private address"):
        channel(azure).deliver(message(), refusing)
    assert not any("dataCollectionRules" in request.path for request in azure.requests)


def test_no_batch_is_larger_than_the_api_takes() -> None:
    found = rows(message(*(item(n, reasons=("r" * 2000,)) for n in range(50))))
    made = list(batches(found, most=20_000))
    assert len(made) > 1
    assert all(len(batch) <= 20_000 for batch in made)
    assert [row["AlertId"] for batch in made for row in json.loads(batch)] == [
        row["AlertId"] for row in found
    ]
