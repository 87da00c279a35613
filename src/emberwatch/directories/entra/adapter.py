"""The adapter: one object per connected directory, over one HTTP client."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import httpx

from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock
from emberwatch.core.secret import Secret
from emberwatch.directories.actions import AccountState, ActionKind, Applied
from emberwatch.directories.base import (
    AccountFacts,
    CheckReport,
    ConnectionSettings,
    DirectoryError,
    DomainFacts,
    FailedSignIn,
    LeakDetection,
    Looked,
    Lookup,
    Memberships,
    SignInReply,
)
from emberwatch.directories.entra.accounts import Ask, find_accounts, read_accounts
from emberwatch.directories.entra.actions import EntraActions
from emberwatch.directories.entra.batch import Batches
from emberwatch.directories.entra.check import Checked, check, read_domains
from emberwatch.directories.entra.clouds import Cloud, cloud_named
from emberwatch.directories.entra.deleted import DeletedAccounts
from emberwatch.directories.entra.faults import is_about_the_key
from emberwatch.directories.entra.graph import Graph
from emberwatch.directories.entra.kept import Kept
from emberwatch.directories.entra.leak_detections import LeakDetections
from emberwatch.directories.entra.memberships import read_memberships
from emberwatch.directories.entra.reader import EntraReader
from emberwatch.directories.entra.sign_in import sign_in
from emberwatch.directories.entra.sign_in_log import failed_sign_ins
from emberwatch.directories.entra.tokens import AppTokens, token_url
from emberwatch.http.client import ClientOptions, OnCall, build_client

# A domain is verified or federated once in years; a run of sign-ins need not ask before each one.
DOMAINS_STAY_FRESH: Final = timedelta(minutes=1)


class EntraDirectory:
    """Implements every protocol of :mod:`emberwatch.directories`: ``Directory`` and the abilities beside it."""

    def __init__(
        self, cloud: Cloud, settings: ConnectionSettings, client: httpx.Client, clock: Clock
    ) -> None:
        self._cloud = cloud
        self._settings = settings
        self._client = client
        self._clock = clock
        self._tokens = AppTokens(cloud, settings, client, clock)
        self._graph = Graph(cloud.graph_url, self._tokens, client, clock)
        self._batches = Batches(self._graph)
        self._domains = Kept(lambda: read_domains(self._graph), DOMAINS_STAY_FRESH, clock)
        self._deleted = DeletedAccounts(self._graph, clock)
        self._detections = LeakDetections(self._graph, self._tokens, clock)
        self._actions = EntraActions(self._graph, self._tokens, clock)

    def check(self, monitored_domains: list[str]) -> CheckReport:
        on = Checked(self._cloud, self._settings, self._tokens, self._graph, self._client, self._clock)
        return check(on, monitored_domains)

    def read_domains(self) -> tuple[DomainFacts, ...]:
        return self._domains.get()

    def find_account(self, login: str) -> Lookup:
        looked = self._find([login], self._batches.ask_singly)[login]
        if isinstance(looked, DirectoryError):
            raise looked
        return looked

    def find_accounts(self, logins: Sequence[str]) -> Mapping[str, Looked]:
        return self._find(logins, self._batches.ask)

    def _find(self, logins: Sequence[str], ask: Ask) -> Mapping[str, Looked]:
        return find_accounts(logins, ask, self._deleted.deleted_at, self._clock)

    def read_accounts(
        self, object_ids: Sequence[UUID]
    ) -> Mapping[UUID, AccountFacts | DirectoryError | None]:
        return read_accounts(object_ids, self._batches.ask, self._clock)

    def reader(self) -> EntraReader:
        return EntraReader(self._graph, self._batches, self._tokens)

    def read_memberships(self, object_ids: Sequence[UUID]) -> Mapping[UUID, Memberships | DirectoryError]:
        return read_memberships(self._graph, self._batches, object_ids, self._clock)

    def leak_detections(self, object_ids: Collection[UUID]) -> tuple[LeakDetection, ...]:
        return self._detections.of(object_ids)

    def failed_sign_ins(self, since: datetime) -> Iterator[FailedSignIn]:
        return failed_sign_ins(self._graph, self._tokens, since)

    def sign_in(self, account: AccountFacts, password: Secret, request_id: UUID) -> SignInReply:
        prover = self._tokens.prover
        reply = sign_in(self._client, prover, account, password, request_id, self._clock)
        if is_about_the_key(reply.code) and self._tokens.leave(prover):
            # The next sign-in proves itself with another key: nothing has to stop.
            return replace(reply, halts_directory=False)
        return reply

    def read_state(self, kind: ActionKind, object_id: UUID, group_id: UUID | None = None) -> AccountState:
        return self._actions.read_state(kind, object_id, group_id)

    def apply(
        self, kind: ActionKind, object_id: UUID, client_request_id: UUID, group_id: UUID | None = None
    ) -> Applied:
        return self._actions.apply(kind, object_id, client_request_id, group_id)

    def user_link(self, object_id: UUID) -> str:
        return self._cloud.user_link(object_id)

    def close(self) -> None:
        self._client.close()


def connect(
    settings: ConnectionSettings,
    environment: Environment,
    clock: Clock,
    on_call: OnCall | None = None,
    *,
    dry_run: bool = False,
) -> EntraDirectory:
    cloud = cloud_named(settings.cloud, environment.custom_cloud)
    options = ClientOptions(
        origins=(cloud.login_url, cloud.graph_url),
        ca_file=cloud.ca_file,
        proxy_url=environment.proxy_url,
        allow_private=cloud.is_operators_own,
        on_call=on_call,
        dry_run=dry_run,
        asked_by_post=(token_url(cloud, settings.entra_tenant_id),),
    )
    return EntraDirectory(cloud, settings, build_client(options), clock)
