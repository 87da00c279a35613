"""A simulated directory that the real adapter talks to over TLS."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from pytest_django import Settings

from emberwatch.config.environment import CustomCloud
from emberwatch.directories import services as directory_services
from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    SecretScenario,
    SimulatedEntra,
    UserScenario,
)
from tests.world import APP, DIRECTORY, SECRET

StartEntra = Callable[..., SimulatedEntra]

OWN_APP: Final = AppScenario(
    client_id=APP,
    secrets=(SecretScenario(value=SECRET),),
    granted_roles=("Directory.Read.All",),
    consented_scopes=("openid",),
)


@pytest.fixture
def start_entra(settings: Settings) -> Iterator[StartEntra]:
    """Starts a simulated Entra ID with the given users and makes it the cloud ``custom``."""
    running: list[SimulatedEntra] = []

    def start(
        *users: UserScenario, others: tuple[DirectoryScenario, ...] = (), **directory: object
    ) -> SimulatedEntra:
        scenario = scenario_of(users, directory)
        entra = SimulatedEntra(dataclasses.replace(scenario, directories=(*scenario.directories, *others)))
        entra.start()
        running.append(entra)
        cloud = CustomCloud(entra.url, entra.graph_url, entra.portal_url, entra.ca_file)
        settings.ENVIRONMENT = dataclasses.replace(settings.ENVIRONMENT, custom_cloud=cloud)
        return entra

    yield start
    for entra in running:
        entra.stop()
    directory_services._shared.clear()


def scenario_of(users: tuple[UserScenario, ...], directory: dict[str, object]) -> Scenario:
    defaults: dict[str, object] = {
        "id": DIRECTORY,
        "name": "Contoso",
        "domains": (
            DomainScenario(name="contoso.example", default=True),
            DomainScenario(name="fed.contoso.example", authentication="Federated"),
        ),
        "apps": (OWN_APP,),
        "users": users,
    }
    return Scenario(directories=(DirectoryScenario(**(defaults | directory)),))  # type: ignore[arg-type]
