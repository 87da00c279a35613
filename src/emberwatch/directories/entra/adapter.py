"""The adapter: one object per connected directory, over one HTTP client."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import httpx

from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock
from emberwatch.core.secret import Secret
from emberwatch.directories.base import (
    AccountFacts,
    CheckReport,
    ConnectionSettings,
    DomainFacts,
    Lookup,
    SignInReply,
)
from emberwatch.directories.entra import accounts
from emberwatch.directories.entra.check import check, read_domains
from emberwatch.directories.entra.clouds import Cloud, cloud_named
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.sign_in import sign_in
from emberwatch.directories.entra.tokens import AppTokens
from emberwatch.http.client import ClientOptions, build_client

# A domain is verified or federated once in years; a run of sign-ins need not ask before each one.
DOMAINS_STAY_FRESH: Final = timedelta(minutes=1)


class EntraDirectory:
    """Implements :class:`emberwatch.directories.base.Directory`."""

    def __init__(
        self, cloud: Cloud, settings: ConnectionSettings, client: httpx.Client, clock: Clock
    ) -> None:
        self._cloud = cloud
        self._settings = settings
        self._client = client
        self._clock = clock
        self._domains: tuple[datetime, tuple[DomainFacts, ...]] | None = None
        self._tokens = AppTokens(cloud, settings, client)
        self._graph = Graph(cloud.graph_url, self._tokens, client)

    def check(self, monitored_domains: list[str]) -> CheckReport:
        client_id = self._settings.client_id
        return check(self._cloud, self._tokens, self._graph, client_id, monitored_domains, self._clock)

    def read_domains(self) -> tuple[DomainFacts, ...]:
        now = self._clock()
        if self._domains is None or now - self._domains[0] > DOMAINS_STAY_FRESH:
            self._domains = (now, read_domains(self._graph))
        return self._domains[1]

    def find_account(self, login: str) -> Lookup:
        return accounts.find_account(self._graph, login, self._clock)

    def sign_in(self, account: AccountFacts, password: Secret, request_id: UUID) -> SignInReply:
        return sign_in(self._client, self._cloud, self._settings, account, password, request_id, self._clock)

    def user_link(self, object_id: UUID) -> str:
        return self._cloud.user_link(object_id)

    def close(self) -> None:
        self._client.close()


def connect(settings: ConnectionSettings, environment: Environment, clock: Clock) -> EntraDirectory:
    cloud = cloud_named(settings.cloud, environment.custom_cloud)
    options = ClientOptions(
        origins=(cloud.login_url, cloud.graph_url),
        ca_file=cloud.ca_file,
        proxy_url=environment.proxy_url,
        allow_private=cloud.is_operators_own,
    )
    return EntraDirectory(cloud, settings, build_client(options), clock)
