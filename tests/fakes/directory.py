"""An adapter in memory, with every ability of :mod:`emberwatch.directories.base`.

::

    entra = FakeEntra(clock)
    ann = entra.add("ann@contoso.example", password="Right-1", aliases=("a@contoso.example",))
    entra.script(ann, 50076, when="right")
    directory = entra.connect()             # several may share one directory, each with its client id
    entra.attempts_for(ann), entra.locks_by([CLIENT]), entra.calls["find_accounts"]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from emberwatch.core.secret import Secret
from emberwatch.directories.base import (
    AccountFacts,
    CheckItem,
    CheckReport,
    CheckState,
    DirectoryError,
    DomainFacts,
    FailedSignIn,
    LeakDetection,
    Looked,
    Lookup,
    Memberships,
    NotOffered,
    PasswordPolicy,
    SignInReply,
)
from tests.fakes.accounts import Attempt, FakeAccount, federated, managed
from tests.fakes.entra import CLIENT, FakeEntra

__all__ = ["CLIENT", "Attempt", "FakeAccount", "FakeDirectory", "FakeEntra", "federated", "managed"]


class FakeDirectory:
    """One adapter: implements ``Directory``, ``LeakDetector`` and ``SignInLog``."""

    def __init__(self, entra: FakeEntra, client_id: UUID = CLIENT) -> None:
        self._entra = entra
        self._client_id = client_id
        self.closed = False

    def check(self, monitored_domains: list[str]) -> CheckReport:
        entra = self._entra
        entra.calls["check"] += 1
        items = (CheckItem("Microsoft Graph", CheckState.OK, "Connected to the directory of the tests."),)
        policy = PasswordPolicy(
            entra.lockout.threshold, int(entra.lockout.first_lock.total_seconds()), stated=True
        )
        return CheckReport(items, entra.clock(), domains=tuple(entra.domains.values()), policy=policy)

    def read_domains(self) -> tuple[DomainFacts, ...]:
        self._entra.begin("read_domains")
        return tuple(self._entra.domains.values())

    def find_account(self, login: str) -> Lookup:
        self._entra.begin("find_account")
        return self._entra.look_up(login)

    def find_accounts(self, logins: Sequence[str]) -> Mapping[str, Looked]:
        self._entra.begin("find_accounts")
        return {login: self._looked(login) for login in dict.fromkeys(logins)}

    def _looked(self, login: str) -> Looked:
        try:
            return self._entra.look_up(login)
        except DirectoryError as error:
            return error

    def read_accounts(
        self, object_ids: Sequence[UUID]
    ) -> Mapping[UUID, AccountFacts | DirectoryError | None]:
        self._entra.begin("read_accounts")
        return {object_id: self._entra.account(object_id) for object_id in object_ids}

    def read_memberships(self, object_ids: Sequence[UUID]) -> Mapping[UUID, Memberships | DirectoryError]:
        self._entra.begin("read_memberships")
        return {object_id: self._memberships(object_id) for object_id in object_ids}

    def _memberships(self, object_id: UUID) -> Memberships | DirectoryError:
        account = self._entra.accounts.get(object_id)
        if account is None or account.deleted_at is not None:
            return DirectoryError("The directory holds no such account.", code="Request_ResourceNotFound")
        return Memberships(account.memberships, self._entra.clock())

    def sign_in(self, account: AccountFacts, password: Secret, request_id: UUID) -> SignInReply:
        self._entra.begin("sign_in")
        return self._entra.sign_in(account.object_id, password.expose(), self._client_id, request_id)

    def leak_detections(self, object_ids: Collection[UUID]) -> tuple[LeakDetection, ...]:
        self._entra.begin("leak_detections")
        if not self._entra.offers_detections:
            raise NotOffered("The application lacks the permission IdentityRiskEvent.Read.All.")
        wanted = set(object_ids)
        found = [detection for detection in self._entra.detections if detection.object_id in wanted]
        return tuple(sorted(found, key=lambda detection: detection.detected_at, reverse=True))

    def failed_sign_ins(self, since: datetime) -> Iterator[FailedSignIn]:
        self._entra.begin("failed_sign_ins")
        if not self._entra.offers_log:
            raise NotOffered("The application lacks the permission AuditLog.Read.All.")
        return iter([row for row in reversed(self._entra.log) if row.at >= since])

    def user_link(self, object_id: UUID) -> str:
        return f"https://entra.example/#user/{object_id}"

    def close(self) -> None:
        self.closed = True
