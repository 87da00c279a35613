"""Simulated directories with people who change things, and the judge of everything that is sent to them."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import httpx

from emberwatch.core.secret import Secret
from emberwatch.directories.base import AppKey, ClientSecret, ConnectionSettings
from emberwatch.directories.entra.adapter import EntraDirectory
from emberwatch.directories.entra.clouds import Cloud
from emberwatch.simulator import (
    AppScenario,
    DirectoryScenario,
    DomainScenario,
    GroupScenario,
    RoleScenario,
    Scenario,
    ScriptedAnswer,
    SecretScenario,
    SimClock,
    UserScenario,
)
from emberwatch.simulator.others import sign_in_as_others
from emberwatch.simulator.state import DirectoryState, UserState
from tests.faults.model.watched import (
    LOCKED,
    OURS_AT_FAULT,
    WINDOW,
    Fate,
    Sent,
    Violation,
    Watched,
)
from tests.faults.model.workers import Worker
from tests.simulated import InProcessEntra

BEGIN: Final = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
LONG_AGO: Final = BEGIN - timedelta(days=900)
PASSWORDS: Final = tuple(f"Passw0rd-number-{n}" for n in range(6))
CLIENT_SECRET: Final = "Zx8Q~client-secret-value-of-the-model.1"
ADMINISTRATOR: Final = 3
GLOBAL_ADMINISTRATOR: Final = "62e90394-69f5-4237-9190-012177145e10"
_IDS: Final = UUID(int=77)
# Histories share one database, and no directory: each has names, and so ids, of its own.
_numbers = itertools.count()
Barred = Literal["disabled", "guest", "deleted", "federated", "listed", "board", "privileged"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a history's directory locks by, and what we may therefore do."""

    threshold: int
    cloud: str = "global"
    shows_log: bool = True
    synced: bool = False

    def allowed(self, *, synced: bool) -> int:
        """Rule 1: failed attempts of ours per account and 24 hours."""
        if self.cloud == "usgov" or synced:
            return 1
        return min(2, self.threshold // 4)


@dataclass
class SimulatedDirectory:
    """One directory with what the judge has to know about it."""

    id: str
    rules: Rules
    state: DirectoryState
    clients: Sequence[str]
    """Of each tenant, should it be connected here."""
    passwords: dict[str, list[tuple[int, str | None]]] = field(default_factory=dict)
    """Of each account: since which step it has had which password."""
    barred: dict[tuple[str, Barred], int] = field(default_factory=dict)
    """Since which step an account must not be tried, and why."""
    in_flight: list[Sent] = field(default_factory=list)
    must_stop: dict[str, int] = field(default_factory=dict)
    """By client id: since which step nothing may be reserved."""

    @property
    def accounts(self) -> list[UserState]:
        return list(self.state.users.values())

    def password_of(self, account: str) -> str | None:
        return self.passwords[account][-1][1]

    def was_right(self, account: str, password: str, since_step: int) -> Iterator[bool]:
        """Whether the password was the account's, for each stretch of time since a step."""
        held = self.passwords[account]
        ends = [*(step for step, _ in held[1:]), None]
        return (
            was == password for (_, was), end in zip(held, ends, strict=True) if _reaches(end, since_step)
        )


def _reaches(end: int | None, since_step: int) -> bool:
    return end is None or end >= since_step


class Directories:
    """All directories of a history, their clock, and everything that was sent."""

    def __init__(self, rules: Sequence[Rules], tenants: int) -> None:
        self.step = 0
        self.sent: list[Sent] = []
        self.fates: dict[bool, deque[Fate]] = {True: deque(), False: deque()}
        self.retry_after = 5
        self.switched_off_at: int | None = None
        """Since which step the kill switch is on."""
        self.paused_at: dict[UUID, int] = {}
        """By run: since which step it is paused or cancelled."""
        numbers = [next(_numbers) for _ in rules]
        clients = [[str(uuid5(_IDS, f"client {n} {t}")) for t in range(tenants)] for n in numbers]
        self.clients = [client for each in clients for client in each]
        scenarios = tuple(_directory(*each) for each in zip(numbers, rules, clients, strict=True))
        self.entra = InProcessEntra(Scenario(directories=scenarios), SimClock(BEGIN, frozen=True))
        self.all = [
            SimulatedDirectory(each.id, rule, self.entra.directory(each.id), own)
            for each, rule, own in zip(scenarios, rules, clients, strict=True)
        ]
        for directory in self.all:
            for number, user in enumerate(directory.accounts):
                directory.passwords[user.id] = [(0, PASSWORDS[number % 2])]
                if number == ADMINISTRATOR:
                    directory.barred[(user.id, "privileged")] = -1

    def clock(self) -> datetime:
        return self.entra.clock()

    def tick(self) -> int:
        self.step += 1
        return self.step

    def next_fate(self, *, of_sign_in: bool) -> Fate | None:
        queue = self.fates[of_sign_in]
        return queue.popleft() if queue else None

    def adapter(
        self, directory: SimulatedDirectory, client_id: str, worker: Worker, now: Any
    ) -> EntraDirectory:
        cloud = Cloud("test", "Test", self.entra.url, self.entra.graph_url, self.entra.portal_url)
        settings = ConnectionSettings(
            "test", UUID(directory.id), UUID(client_id), (AppKey(ClientSecret(Secret(CLIENT_SECRET))),)
        )
        watched = Watched(self, directory, worker, self.entra.transport())
        client = httpx.Client(transport=watched, trust_env=False)
        return EntraDirectory(cloud, settings, client, now)

    # What people do

    def set_password(self, directory: SimulatedDirectory, user: UserState, password: str) -> None:
        directory.state.change_user(user.id, password=password)
        directory.passwords[user.id].append((self.step, password))

    def owner_signs_in(self, directory: SimulatedDirectory, user: UserState) -> None:
        password = directory.password_of(user.id)
        if password is not None:
            sign_in_as_others(directory.state, user.scenario.upn, password)

    def others_fail(self, directory: SimulatedDirectory, user: UserState, times: int) -> None:
        for number in range(times):
            sign_in_as_others(directory.state, user.scenario.upn, f"guess {self.step} {number}")

    def change(self, directory: SimulatedDirectory, user: UserState, why: Barred, *, barred: bool) -> None:
        possible: dict[str, dict[str, Any]] = {
            "disabled": {"enabled": not barred},
            "guest": {"user_type": "Guest" if barred else "Member"},
            "deleted": {"deleted": self.clock() if barred else None},
        }
        directory.state.change_user(user.id, **possible[why])
        self.bar(directory, user.id, why, barred=barred)

    def federate(self, directory: SimulatedDirectory, domain: str, *, federated: bool) -> None:
        held = directory.state.domains[domain]
        kind: Literal["Federated", "Managed"] = "Federated" if federated else "Managed"
        directory.state.domains[domain] = replace(held, authentication=kind)
        for user in directory.accounts:
            if user.scenario.upn.endswith(f"@{domain}"):
                self.bar(directory, user.id, "federated", barred=federated)

    def bar(self, directory: SimulatedDirectory, account: str, why: Barred, *, barred: bool) -> None:
        if barred:
            directory.barred.setdefault((account, why), self.step)
        else:
            directory.barred.pop((account, why), None)

    def script(
        self, directory: SimulatedDirectory, user: UserState, code: int, when: Any, times: int
    ) -> None:
        directory.state.change_user(user.id, answer=ScriptedAnswer(code=code, when=when, times=times))

    def break_registration(self, directory: SimulatedDirectory, *, broken: bool) -> None:
        for client_id in directory.clients:
            directory.state.put_app(_app(client_id, directory.rules, secret="" if broken else CLIENT_SECRET))

    # The judge

    def judge_before(self, sent: Sent, way: Watched) -> None:
        directory = way.directory
        way.worker.sent += 1
        if way.worker.sent > way.worker.reserved:
            raise Violation(f"sent before its reservation was committed: {_said(sent)}")
        if len(directory.in_flight) > 1:
            raise Violation(f"two sign-ins under way at once at {directory.id}")
        for (account, why), since in directory.barred.items():
            if account == sent.account and since < _known_at(why, way):
                raise Violation(f"a {why} account was tried: {_said(sent)}")
        stopped = directory.must_stop.get(sent.client_id)
        if stopped is not None and stopped < way.worker.reserved_at_step:
            raise Violation(f"sent after a stop: {_said(sent)}")
        self._not_while_halted(sent, way.worker)
        self._never_twice(sent)
        self._rests_after_a_lock(sent)

    def _not_while_halted(self, sent: Sent, worker: Worker) -> None:
        job: UUID = worker.job.id
        stops = (self.switched_off_at, self.paused_at.get(job))
        if any(step is not None and step < worker.reserved_at_step for step in stops):
            raise Violation(f"sent although a person had stopped it: {_said(sent)}")

    def _earlier(self, sent: Sent) -> list[Sent]:
        return [each for each in self.sent if each is not sent and each.account == sent.account]

    def _never_twice(self, sent: Sent) -> None:
        directory = self.named(sent.directory_id)
        for each in self._earlier(sent):
            if each.password != sent.password or each.known_right:
                continue
            changed = directory.state.users[sent.account].scenario.last_password_change
            if changed is not None and _second(changed) == _second(each.at):
                # The directory tells whole seconds: nobody could say which of the two came first.
                continue
            if each.told_wrong and directory.passwords[sent.account][-1][0] < each.step:
                raise Violation(f"a wrong pair was sent twice: {_said(sent)}, first at {each.at}")
            if not each.told_wrong and each.at > sent.at - WINDOW:
                raise Violation(f"a pair was sent again after an unclear answer: {_said(sent)}, {each.at}")

    def _rests_after_a_lock(self, sent: Sent) -> None:
        for each in self._earlier(sent):
            if each.told and each.code == LOCKED and each.at > sent.at - WINDOW:
                raise Violation(f"an account that answered “locked” did not rest: {_said(sent)}, {each.at}")

    def judge_after(self, sent: Sent) -> None:
        directory = self.named(sent.directory_id)
        if sent.code in RIGHT_CODES:
            return
        window = [e for e in self._earlier(sent) if e.at > sent.at - WINDOW and not e.known_right]
        synced = directory.state.users[sent.account].scenario.synced
        if len(window) + 1 > directory.rules.allowed(synced=synced):
            raise Violation(f"{len(window) + 1} failed attempts within 24 hours: {_said(sent)}")
        self.nothing_locked_by_us()

    def nothing_locked_by_us(self) -> None:
        locks = self.entra.world.locks_by_alone(self.clients)
        if locks:
            raise Violation(f"our attempts alone have locked {locks[0].upn} at {locks[0].lock.at}")

    def told(self, sent: Sent) -> None:
        """An answer was written down: what has to stop from now on?"""
        sent.told = True
        directory = self.named(sent.directory_id)
        if sent.code in OURS_AT_FAULT:
            directory.must_stop.setdefault(sent.client_id, self.step)
        if sent.code == LOCKED and self._stops_everywhere(sent):
            for client_id in directory.clients:
                directory.must_stop.setdefault(client_id, self.step)

    def _stops_everywhere(self, sent: Sent) -> bool:
        told = [e for e in self.sent if e.directory_id == sent.directory_id and e.told and e is not sent]
        recent = [e for e in told if e.at > sent.at - WINDOW + timedelta(minutes=30)]
        last = recent[-1] if recent else None
        return last is not None and last.code == LOCKED and last.account != sent.account

    def good_check(self, directory: SimulatedDirectory, client_id: str) -> None:
        directory.must_stop.pop(client_id, None)

    def named(self, directory_id: str) -> SimulatedDirectory:
        return next(each for each in self.all if each.id == directory_id)


RIGHT_CODES: Final = frozenset({0, 50055, 50076})


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _known_at(why: Barred, way: Watched) -> int:
    """The step up to which the worker must have seen it."""
    if why == "federated":
        return way.read_at.get("domains", 0)
    if why == "listed":
        return way.worker.reserved_at_step
    if why == "board":
        return way.worker.began_at_step
    return way.read_at.get("users", 0)


def _said(sent: Sent) -> str:
    which = PASSWORDS.index(sent.password) if sent.password in PASSWORDS else "?"
    return f"{sent.account} password {which} at {sent.at}"


def _directory(number: int, rules: Rules, clients: Sequence[str]) -> DirectoryScenario:
    names = [f"{who}@contoso{number}.example" for who in ("ann", "bob")]
    names += [f"cid@fabrikam{number}.example", f"adm@contoso{number}.example"]
    return DirectoryScenario(
        id=str(uuid5(_IDS, f"directory {number}")),
        name=f"Contoso {number}",
        domains=(
            DomainScenario(name=f"contoso{number}.example", default=True),
            DomainScenario(name=f"fabrikam{number}.example"),
        ),
        apps=tuple(_app(client_id, rules) for client_id in clients),
        users=tuple(
            UserScenario(
                upn=name,
                password=PASSWORDS[position % 2],
                last_password_change=LONG_AGO,
                synced=rules.synced and position == 0,
                mfa="required" if position == 1 else "none",
            )
            for position, name in enumerate(names)
        ),
        groups=(GroupScenario(display_name=f"Board {number}", members=(names[2],)),),
        roles=(
            RoleScenario(
                template_id=GLOBAL_ADMINISTRATOR, display_name="Global Administrator", members=(names[3],)
            ),
        ),
        premium=True,
        lockout_threshold=rules.threshold,
        lockout_seconds=60,
    )


def _app(client_id: str, rules: Rules, secret: str = CLIENT_SECRET) -> AppScenario:
    roles = ("Directory.Read.All", *(("AuditLog.Read.All",) if rules.shows_log else ()))
    secrets = (SecretScenario(value=secret),) if secret else ()
    return AppScenario(
        client_id=client_id, secrets=secrets, granted_roles=roles, consented_scopes=("openid",)
    )
