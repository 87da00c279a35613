"""The directory behind the fake adapter: accounts, passwords, smart lockout, faults, and a diary of what was asked.

What a sign-in code means comes from the product's own table, and smart lockout from the simulator's pure function.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID, uuid5

from emberwatch.core.clock import Clock
from emberwatch.directories.base import (
    AccountFacts,
    Authentication,
    DirectoryError,
    DomainFacts,
    FailedSignIn,
    LeakDetection,
    Lookup,
    Membership,
    SignInReply,
)
from emberwatch.directories.entra.codes import ACCEPTED, Reading, read_codes
from emberwatch.directories.entra.replies import answered, unanswered
from emberwatch.simulator.lockout import (
    NOISE,
    Lock,
    LockoutPolicy,
    LockoutState,
    lock_now,
    record_right,
    record_wrong,
)
from tests.fakes.accounts import Attempt, FakeAccount, Script, When, account_facts, managed

if TYPE_CHECKING:
    from tests.fakes.directory import FakeDirectory

CLIENT: Final = UUID("22222222-aaaa-4bbb-8ccc-000000000002")
SEARCHED: Final = ("userPrincipalName", "mail", "proxyAddresses")
_NAMES: Final = UUID("0c8f2d5e-52f5-4a3c-9b43-7d5c1f0e8a11")
_LONGEST_PASSWORD: Final = 256
_WRONG: Final = 50126

Moment = Literal["arrives", "acted", "answered"]


class FakeEntra:
    """The directory itself; safe to call from many threads."""

    def __init__(
        self,
        clock: Clock,
        *,
        lockout: LockoutPolicy | None = None,
        domains: Sequence[DomainFacts] = (),
        offers_detections: bool = True,
        offers_log: bool = True,
    ) -> None:
        self.clock = clock
        self.lockout = lockout or LockoutPolicy()
        self.domains = {domain.name: domain for domain in domains or (managed("contoso.example"),)}
        self.offers_detections = offers_detections
        self.offers_log = offers_log
        self.accounts: dict[UUID, FakeAccount] = {}
        self.attempts: list[Attempt] = []
        self.calls: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        """How often each login was looked up."""
        self.detections: list[LeakDetection] = []
        self.log: list[FailedSignIn] = []
        self.on_sign_in: Callable[[Moment, FakeAccount], None] | None = None
        """Called at each step of a sign-in; what it raises goes to the caller, as when a process dies there."""
        self._by_name: dict[str, dict[str, list[FakeAccount]]] = {name: {} for name in SEARCHED}
        self._by_account: defaultdict[UUID, list[Attempt]] = defaultdict(list)
        self._faults: defaultdict[str, list[DirectoryError]] = defaultdict(list)
        self._refused: dict[str, DirectoryError] = {}
        self._incomplete: set[str] = set()
        self._lost: Counter[str] = Counter()
        self.guard = threading.RLock()

    def connect(self, client_id: UUID = CLIENT) -> FakeDirectory:
        """An adapter; several may share the directory, each with its client id."""
        # The adapter's module imports this one.
        from tests.fakes.directory import FakeDirectory

        return FakeDirectory(self, client_id)

    # What stands in the directory

    def add(
        self,
        upn: str,
        *,
        password: str | None = None,
        object_id: UUID | None = None,
        mail: str = "",
        aliases: Sequence[str] = (),
        enabled: bool = True,
        user_type: str = "Member",
        external: bool = False,
        synced: bool = False,
        pass_through: bool = False,
        created_at: datetime | None = None,
        last_password_change_at: datetime | None = None,
        password_policies: str = "",
        memberships: Sequence[Membership] = (),
    ) -> FakeAccount:
        account = FakeAccount(
            object_id=object_id or uuid5(_NAMES, upn.casefold()),
            upn=upn,
            password=password,
            mail=mail,
            aliases=tuple(aliases),
            enabled=enabled,
            user_type=user_type,
            external=external or user_type == "Guest" or "#EXT#" in upn.upper(),
            synced=synced or pass_through,
            pass_through=pass_through,
            created_at=created_at or self.clock(),
            last_password_change_at=last_password_change_at,
            password_policies=password_policies,
            memberships=tuple(memberships),
        )
        with self.guard:
            self.accounts[account.object_id] = account
            for name, login in account.names():
                self._by_name[name].setdefault(login, []).append(account)
        return account

    def set_password(self, account: FakeAccount, password: str | None) -> None:
        """The owner chooses a password: the same one as before is a change too."""
        with self.guard:
            account.password = password
            account.last_password_change_at = self.clock()
            account.lockout = LockoutState()

    def delete(self, account: FakeAccount) -> None:
        account.deleted_at = self.clock()

    def detect(self, account: FakeAccount, at: datetime | None = None) -> LeakDetection:
        found = LeakDetection(f"detection-{len(self.detections) + 1}", account.object_id, at or self.clock())
        self.detections.append(found)
        return found

    # What goes wrong

    def script(
        self,
        account: FakeAccount,
        code: int,
        *,
        when: When = "any",
        times: int | None = None,
        status: int = 400,
        retry_after: float | None = None,
    ) -> None:
        """Sign-ins of the account end in ``code``, ``times`` of them or all; the earliest script goes first."""
        account.scripts.append(Script(code, when, times, status, retry_after))

    def fail(self, method: str, error: DirectoryError, times: int = 1) -> None:
        """The next calls of a method of the adapter raise ``error``; a real adapter's sign-in never raises."""
        self._faults[method].extend([error] * times)

    def refuse(self, login: str, error: DirectoryError) -> None:
        """Every look-up of one login ends in ``error``."""
        self._refused[login.casefold()] = error

    def hide_aliases(self, login: str) -> None:
        """The directory refuses to search this login's aliases, so that it cannot prove the account missing."""
        self._incomplete.add(login.casefold())

    def lose_requests(self, times: int = 1) -> None:
        """The next sign-ins never arrive."""
        self._lost["request"] += times

    def lose_answers(self, times: int = 1) -> None:
        """The next sign-ins are acted on and counted, but their answer never arrives."""
        self._lost["answer"] += times

    def fail_by_others(self, account: FakeAccount, password: str, times: int = 1) -> None:
        """Somebody else sends wrong passwords."""
        for number in range(times):
            with self.guard:
                self._wrong(account, f"{password}{number}", NOISE, None, "")

    def lock(self, account: FakeAccount, seconds: float) -> None:
        """Somebody else has locked the account."""
        account.lockout = lock_now(account.lockout, seconds=seconds, by=NOISE, now=self.clock())

    # What was done

    def attempts_for(self, account: FakeAccount) -> list[Attempt]:
        return list(self._by_account[account.object_id])

    def locks_by(self, clients: Collection[UUID]) -> list[Lock]:
        """Locks that these clients' failures helped to cause."""
        return [lock for lock in self._locks() if set(lock.caused_by) & _named(clients)]

    def locks_by_alone(self, clients: Collection[UUID]) -> list[Lock]:
        """Locks that nobody but these clients caused."""
        return [lock for lock in self._locks() if set(lock.caused_by) <= _named(clients)]

    def _locks(self) -> Iterator[Lock]:
        return (lock for account in self.accounts.values() for lock in account.locks)

    # What the adapter asks

    def begin(self, method: str) -> None:
        with self.guard:
            self.calls[method] += 1
            if self._faults[method]:
                raise self._faults[method].pop(0)

    def look_up(self, login: str) -> Lookup:
        key = login.casefold()
        with self.guard:
            self.asked[key] += 1
            if key in self._refused:
                raise self._refused[key]
            return self._search(key)

    def _search(self, key: str) -> Lookup:
        now, complete = self.clock(), key not in self._incomplete
        searched = SEARCHED if complete else SEARCHED[:-1]
        for position, name in enumerate(searched, start=1):
            found = [a for a in self._by_name[name].get(key, ()) if a.deleted_at is None]
            if len(found) > 1:
                candidates = tuple(account_facts(each, name, now) for each in found)
                return Lookup(None, now, searched[:position], True, self._id(), candidates=candidates)
            if found:
                return Lookup(account_facts(found[0], name, now), now, searched[:position], True, self._id())
        return Lookup(None, now, searched, complete, self._id(), self._deleted_at(key))

    def account(self, object_id: UUID) -> AccountFacts | None:
        with self.guard:
            account = self.accounts.get(object_id)
            if account is None or account.deleted_at is not None:
                return None
            return account_facts(account, "id", self.clock())

    def _id(self) -> str:
        return f"request-{self.calls.total()}"

    def _deleted_at(self, key: str) -> datetime | None:
        named = (a for name in SEARCHED for a in self._by_name[name].get(key, ()))
        return max((a.deleted_at for a in named if a.deleted_at is not None), default=None)

    def sign_in(self, object_id: UUID, password: str, client_id: UUID, request_id: UUID) -> SignInReply:
        account = self.accounts[object_id]
        self._step("arrives", account)
        with self.guard:
            lost = next((kind for kind in ("request", "answer") if self._lost[kind]), None)
            if lost is not None:
                self._lost[lost] -= 1
            now = self.clock()
            if lost == "request":
                self._note(account, password, client_id, request_id, None, acted=False, locked=False)
                return unanswered("ConnectError", request_id=request_id, at=now)
            locked = account.lockout.is_locked(now)
            code, script = self._check(account, password, client_id, request_id)
            told = None if lost else code
            self._note(account, password, client_id, request_id, told, acted=True, locked=locked)
        self._step("acted", account)
        reply = _reply(code, script, request_id, now, lost=lost is not None)
        self._step("answered", account)
        return reply

    def _step(self, moment: Moment, account: FakeAccount) -> None:
        if self.on_sign_in is not None:
            self.on_sign_in(moment, account)

    def _check(
        self, account: FakeAccount, password: str, client_id: UUID, request_id: UUID
    ) -> tuple[int, Script | None]:
        """The code that the sign-in ends in, in the order in which Entra ID is believed to look; 0 is a token."""
        if script := _take(account, "any"):
            return script.code, script
        if early := self._refusal(account, password):
            return early, None
        if account.password == password:
            account.lockout = record_right(account.lockout, self.clock())
            script = _take(account, "right")
            return (script.code, script) if script else (0, None)
        self._wrong(account, password, str(client_id), client_id, str(request_id))
        script = _take(account, "wrong")
        return (script.code, script) if script else (_WRONG, None)

    def _refusal(self, account: FakeAccount, password: str) -> int | None:
        domain = self.domains.get(account.domain())
        refusals = (
            (account.deleted_at is not None, 50034),
            (account.external, 50020),
            (domain is not None and domain.authentication is Authentication.FEDERATED, _WRONG),
            (not account.enabled, 50057),
            (account.lockout.is_locked(self.clock()), 50053),
            (account.password is None, 50056),
            (len(password) > _LONGEST_PASSWORD, 50052),
        )
        return next((code for met, code in refusals if met), None)

    def _wrong(
        self, account: FakeAccount, password: str, by: str, client_id: UUID | None, correlation_id: str
    ) -> None:
        now = self.clock()
        policy = self.lockout
        if account.pass_through:
            policy = LockoutPolicy(policy.threshold, policy.first_lock, remembers=False)
        before = account.lockout
        hashed = password.encode("utf-8", "surrogatepass")
        account.lockout = after = record_wrong(before, policy, hashed, by=by, now=now)
        if after.lock is not None and after.lock is not before.lock:
            account.locks.append(after.lock)
        self.log.append(FailedSignIn(account.object_id, now, client_id, correlation_id))

    def _note(
        self,
        account: FakeAccount,
        password: str,
        client_id: UUID,
        request_id: UUID,
        code: int | None,
        *,
        acted: bool,
        locked: bool,
    ) -> None:
        right = password == account.password
        attempt = Attempt(
            self.clock(), account.object_id, password, client_id, request_id, code, acted, right, locked
        )
        self.attempts.append(attempt)
        self._by_account[account.object_id].append(attempt)


def _named(clients: Collection[UUID]) -> set[str]:
    return {str(client) for client in clients}


def _take(account: FakeAccount, when: When) -> Script | None:
    script = next((s for s in account.scripts if s.when == when and s.times != 0), None)
    if script is not None and script.times is not None:
        script.times -= 1
    return script


def _reply(code: int, script: Script | None, request_id: UUID, now: datetime, *, lost: bool) -> SignInReply:
    if lost:
        return unanswered("ReadTimeout", request_id=request_id, at=now)
    if code == 0:
        return answered(Reading(ACCEPTED), 200, request_id=request_id, at=now, directory_at=now)
    return answered(
        read_codes([code]),
        script.status if script else 400,
        request_id=request_id,
        at=now,
        directory_at=now,
        trace_id=f"trace-{request_id}",
        retry_after=script.retry_after if script else None,
    )
