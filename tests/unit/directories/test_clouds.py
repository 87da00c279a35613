"""Each Microsoft cloud: its hosts, its portal links, its lockout default, and that nothing else is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import httpx
import pytest

from emberwatch.config.environment import CustomCloud
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.directories.base import AppKey, ClientSecret, ConnectionSettings
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.entra.check import read_policy
from emberwatch.directories.entra.clouds import cloud_named, clouds
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.tokens import AppTokens
from emberwatch.simulator.scenario import CLOUD_THRESHOLD
from tests.unit.directories.desk import collection
from tests.unit.directories.test_sign_in import ann
from tests.world import APP, DIRECTORY, SECRET

OWN = CustomCloud(
    "https://login.own.example", "https://graph.own.example", "https://portal.own.example", None
)


@dataclass(frozen=True)
class Facts:
    login: str
    graph: str
    portal: str
    threshold: int
    failed_attempts: int


CLOUDS: Mapping[str, Facts] = {
    "global": Facts(
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
        "https://entra.microsoft.com",
        10,
        2,
    ),
    "usgov": Facts(
        "https://login.microsoftonline.us", "https://graph.microsoft.us", "https://entra.microsoft.us", 3, 1
    ),
    "usgovdod": Facts(
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        "https://entra.microsoft.us",
        3,
        1,
    ),
    "china": Facts(
        "https://login.partner.microsoftonline.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://entra.microsoftonline.cn",
        10,
        2,
    ),
    "custom": Facts(OWN.login_url, OWN.graph_url, OWN.portal_url, 10, 2),
}


@dataclass
class Host:
    """Answers for both hosts of a cloud, and writes down every address and form."""

    facts: Facts

    def __post_init__(self) -> None:
        self.urls: list[str] = []
        self.forms: list[dict[str, str]] = []

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._handle), trust_env=False)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        if request.method == "POST":
            form = parse_qs(request.content.decode())
            self.forms.append({name: values[0] for name, values in form.items()})
        return httpx.Response(200, json=self._answer(request))

    def _answer(self, request: httpx.Request) -> dict[str, Any]:
        base = f"{self.facts.login}/{DIRECTORY}"
        if request.url.path.endswith("/openid-configuration"):
            found = {"token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": base}
            return found | {"issuer": f"{base}/v2.0"}
        if request.url.path.endswith("/token"):
            return {"access_token": "a.token.of-the-tests", "token_type": "Bearer", "expires_in": 3600}
        return dict(collection().body)


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_asks_its_own_hosts_for_its_own_graph(name: str) -> None:
    facts, host = CLOUDS[name], Host(CLOUDS[name])
    settings = ConnectionSettings(name, UUID(DIRECTORY), UUID(APP), (AppKey(ClientSecret(Secret(SECRET))),))
    directory = EntraDirectory(cloud_named(name, OWN), settings, host.client(), utc_now)
    directory.find_account("ann@contoso.example")
    directory.sign_in(ann(), Secret("Leaked-1"), uuid4())

    assert {httpx.URL(url).host for url in host.urls} == {
        httpx.URL(facts.login).host,
        httpx.URL(facts.graph).host,
    }
    app_token, sign_in = host.forms
    assert app_token["scope"] == f"{facts.graph}/.default"
    assert sign_in["scope"] == "openid"
    posted = [url for url in host.urls if url.endswith("/token")]
    assert posted == [f"{facts.login}/{DIRECTORY}/oauth2/v2.0/token"] * 2
    assert any(url.startswith(f"{facts.graph}/v1.0/users?") for url in host.urls)


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_has_its_own_links(name: str) -> None:
    cloud, facts, app = cloud_named(name, OWN), CLOUDS[name], UUID(APP)
    registration = f"{facts.portal}/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~"
    assert cloud.user_link(UUID(int=7)) == (
        f"{facts.portal}/#view/Microsoft_AAD_UsersAndTenants/UserProfileMenuBlade/~/overview/userId/{UUID(int=7)}"
    )
    for blade in ("Overview", "Credentials", "CallAnAPI"):
        assert cloud.app_link(app, blade) == f"{registration}/{blade}/appId/{APP}/isMSAApp~/false"
    assert (
        cloud.consent_link(UUID(DIRECTORY), app) == f"{facts.login}/{DIRECTORY}/adminconsent?client_id={APP}"
    )


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_has_its_own_lockout_default(name: str) -> None:
    cloud, facts = cloud_named(name, OWN), CLOUDS[name]
    assert (cloud.lockout_threshold, cloud.max_failed_attempts) == (facts.threshold, facts.failed_attempts)
    settings = ConnectionSettings(name, UUID(DIRECTORY), UUID(APP), (AppKey(ClientSecret(Secret(SECRET))),))
    client = Host(facts).client()
    graph = Graph(cloud.graph_url, AppTokens(cloud, settings, client, utc_now), client, utc_now)
    policy = read_policy(graph, cloud)
    assert (policy.lockout_threshold, policy.lockout_seconds, policy.stated) == (facts.threshold, 60, False)


def test_the_table_is_whole() -> None:
    assert set(clouds(OWN)) == set(CLOUDS)
    assert set(clouds(None)) == set(CLOUDS) - {"custom"}
    assert {name: CLOUDS[name].threshold for name in clouds(None)} == {
        cloud.value: threshold for cloud, threshold in CLOUD_THRESHOLD.items()
    }
    with pytest.raises(BadInput, match="no cloud named custom"):
        cloud_named("custom", None)


def test_only_the_operators_own_cloud_has_an_authority_of_its_own() -> None:
    own = CustomCloud(OWN.login_url, OWN.graph_url, OWN.portal_url, Path("own.pem"))
    found = clouds(own)
    assert {name for name, cloud in found.items() if cloud.ca_file or cloud.is_operators_own} == {"custom"}
