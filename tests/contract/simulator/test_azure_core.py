"""The unmodified pipeline of azure-core writes to the simulator, and sends again what was refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import ClientAuthenticationError, ServiceResponseError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ClientSecretCredential

from emberwatch.simulator import FaultRule, GroupScenario, SimulatedEntra
from tests.contract.simulator.credentials import CLIENT_ID, DIRECTORY_ID, SECRET, Keys, world

ROLES = (
    "User.RevokeSessions.All",
    "User.EnableDisableAccount.All",
    "User.Read.All",
    "GroupMember.ReadWrite.All",
)
Client = PipelineClient[HttpRequest, HttpResponse]


@pytest.fixture
def entra(tmp_path: Path) -> Iterator[SimulatedEntra]:
    scenario = world(Keys.make())
    (own,) = scenario.directories
    apps = tuple(replace(app, granted_roles=ROLES) for app in own.apps)
    changed = replace(own, apps=apps, groups=(GroupScenario(display_name="Crew"),))
    with SimulatedEntra(replace(scenario, directories=(changed,)), ca_file=tmp_path / "ca.pem") as running:
        yield running


@contextmanager
def pipeline(entra: SimulatedEntra, secret: str = SECRET) -> Iterator[Client]:
    authority = str(entra.ca_file)
    with ClientSecretCredential(
        DIRECTORY_ID,
        CLIENT_ID,
        secret,
        authority=entra.url,
        disable_instance_discovery=True,
        connection_verify=authority,
        retry_total=0,
    ) as credential:
        policies = [
            RetryPolicy(retry_total=3, retry_backoff_factor=0.01),
            BearerTokenCredentialPolicy(credential, f"{entra.graph_url}/.default"),
        ]
        client: Client = PipelineClient(
            f"{entra.graph_url}/v1.0", policies=policies, connection_verify=authority
        )
        with client:
            yield client


def send(entra: SimulatedEntra, client: Client, method: str, path: str, body: object = None) -> int:
    response = client.send_request(HttpRequest(method, f"{entra.graph_url}/v1.0/{path}", json=body))
    return int(response.status_code)


def test_its_writes_take_effect(entra: SimulatedEntra) -> None:
    directory = entra.directory(DIRECTORY_ID)
    user, (group,) = next(directory.present()), directory.memberships.groups
    reference = {"@odata.id": f"{entra.graph_url}/v1.0/directoryObjects/{user.id}"}
    with pipeline(entra) as client:
        assert send(entra, client, "POST", f"users/{user.id}/revokeSignInSessions") == 200
        assert send(entra, client, "PATCH", f"users/{user.id}", {"accountEnabled": False}) == 204
        assert send(entra, client, "POST", f"groups/{group}/members/$ref", reference) == 204
        assert directory.memberships.has_member(group, user.id)
        assert send(entra, client, "DELETE", f"groups/{group}/members/{user.id}/$ref") == 204
    assert not directory.memberships.has_member(group, user.id)
    assert user.scenario.sessions_valid_from is not None
    assert not user.scenario.enabled


def test_what_was_refused_is_sent_again_and_takes_effect_once(entra: SimulatedEntra) -> None:
    user = next(entra.directory(DIRECTORY_ID).present())
    entra.faults.add(FaultRule(where="write", kind="429", count=1, retry_after=0))
    entra.faults.add(FaultRule(where="write", kind="5xx", count=1))
    with pipeline(entra) as client:
        assert send(entra, client, "PATCH", f"users/{user.id}", {"accountEnabled": False}) == 204
    assert entra.journal.write_counts() == {user.id: {"disable": {"429": 1, "503": 1, "204": 1}}}


def test_a_write_whose_reply_is_lost_took_effect_and_is_not_sent_again(entra: SimulatedEntra) -> None:
    user = next(entra.directory(DIRECTORY_ID).present())
    entra.faults.add(FaultRule(where="write", kind="drop_after", count=1))
    with pipeline(entra) as client, pytest.raises(ServiceResponseError):
        send(entra, client, "PATCH", f"users/{user.id}", {"accountEnabled": False})
    assert not user.scenario.enabled
    assert entra.journal.write_counts() == {user.id: {"disable": {"204": 1}}}


def test_without_a_token_nothing_is_sent(entra: SimulatedEntra) -> None:
    user = next(entra.directory(DIRECTORY_ID).present())
    with pipeline(entra, "wrong-secret") as client, pytest.raises(ClientAuthenticationError):
        send(entra, client, "PATCH", f"users/{user.id}", {"accountEnabled": False})
    assert entra.journal.write_counts() == {}
