"""Many workers, two tenants, one account: the budget holds and one request is in flight at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection, connections

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.core.secret import Secret
from emberwatch.directories.base import AccountFacts, SignInReply
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.services import open_directory
from emberwatch.simulator import FaultRule, UserScenario
from emberwatch.validation.models import Validation, ValidationState
from emberwatch.validation.services import request_validation, run_validation
from tests.factories import connect, make_credential, make_tenant
from tests.integration.conftest import StartEntra, start_entra
from tests.world import APP, DIRECTORY, RIGHT, SECRET

__all__ = ["start_entra"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ANN = UserScenario(upn="ann@contoso.example", password=RIGHT)


@pytest.fixture(autouse=True)
def _empty_queue(transactional_db: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


class Watched:
    """Counts the sign-ins that are under way at once, around the real adapter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def directory_for(self, row: DirectoryConnection) -> EntraDirectory:
        inner = open_directory(row)
        assert isinstance(inner, EntraDirectory)
        original = inner.sign_in

        def sign_in(account: AccountFacts, password: Secret, request_id: UUID) -> SignInReply:
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                return original(account, password, request_id)
            finally:
                with self._lock:
                    self.now -= 1

        inner.sign_in = sign_in  # type: ignore[method-assign]
        return inner


def test_the_budget_holds_whoever_comes_first(start_entra: StartEntra) -> None:
    entra = start_entra(ANN)
    tenants = [make_tenant(), make_tenant()]
    for tenant in tenants:
        connect(tenant, DIRECTORY, APP, SECRET)
    credentials = [make_credential(tenants[n % 2], password=f"Wrong-pass-{n}") for n in range(8)]
    validations = [request_validation(c, actor=SYSTEM, now=utc_now()) for c in credentials]
    entra.faults.add(FaultRule(where="token", kind="latency", seconds=0.1))
    watched = Watched()

    def run(validation: Validation) -> None:
        try:
            run_validation(validation.id, directory_for=watched.directory_for)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        pending = list(validations)
        for _ in range(20):
            list(pool.map(run, pending))
            pending = [
                v for v in validations if Validation.objects.get(pk=v.pk).state != ValidationState.DONE
            ]
            if not pending:
                break

    for credential in credentials:
        credential.refresh_from_db()
    verdicts = sorted(credential.verdict for credential in credentials)
    assert verdicts == ["inactive"] * 2 + ["throttled"] * 6
    assert len(entra.journal.attempts_for(ANN.upn)) == 2
    assert watched.most == 1
    assert entra.world.locks_by([APP]) == []
