"""The living world: what the scenario's directories, users and apps have become since the start.

No plaintext is kept: passwords and client secrets are held as keyed hashes under a key that this process
made. Whoever changes or reads several things at once holds :attr:`World.lock`.
"""

from __future__ import annotations

import hmac
import random
import secrets
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from emberwatch.core.clock import Clock
from emberwatch.simulator.certificates import Certificate
from emberwatch.simulator.graph_objects import DEFAULT_LOCK_SECONDS, USER_PROPERTIES, Object, user_object
from emberwatch.simulator.lockout import NOISE, Lock, LockoutPolicy, LockoutState, lock_now, record_wrong
from emberwatch.simulator.scenario import (
    CLOUD_THRESHOLD,
    AppScenario,
    Cloud,
    DirectoryScenario,
    DomainScenario,
    Scenario,
    ScenarioError,
    UserScenario,
    check,
)

_ADDRESS_FIELDS: Final = ("id", "userPrincipalName", "mail", "proxyAddresses", "otherMails")


class Hasher:
    """Keyed hashes of synthetic secrets; the key lives as long as the process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def __call__(self, owner: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{owner}\0{value}".encode("utf-8", "surrogatepass"), "sha256")


@dataclass(slots=True)
class UserState:
    scenario: UserScenario
    """Without its passwords."""
    number: int
    properties: Object
    password: bytes | None
    previous: tuple[bytes, ...]
    lockout: LockoutState = field(default_factory=LockoutState)
    answers_left: int | None = None
    last_sign_in: datetime | None = None
    last_successful_sign_in: datetime | None = None

    @property
    def id(self) -> str:
        return self.scenario.object_id

    @property
    def deleted(self) -> bool:
        return self.scenario.deleted is not None


@dataclass(frozen=True, slots=True)
class SecretState:
    digest: bytes
    expires: datetime | None


@dataclass(slots=True)
class AppState:
    scenario: AppScenario
    """Without its secrets' values."""
    secrets: tuple[SecretState, ...]
    certificates: tuple[Certificate, ...]
    used_assertions: dict[str, float] = field(default_factory=dict)
    """Assertion ids that were used, with the time at which they end."""
    spent_units: list[tuple[float, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LockRecord:
    """One lock that happened while the server ran (or that it began with)."""

    directory_id: str
    user_id: str
    upn: str
    lock: Lock

    @property
    def caused_by(self) -> tuple[str, ...]:
        return self.lock.caused_by


class DirectoryState:
    """One directory with its users and apps, and indexes over the users' addresses."""

    def __init__(self, scenario: DirectoryScenario, world: World) -> None:
        self.scenario = replace(scenario, users=(), apps=())
        self.world = world
        self.cloud = scenario.cloud or world.cloud
        self.domains = {domain.name.casefold(): domain for domain in scenario.domains}
        self.users: dict[str, UserState] = {}
        self.apps: dict[str, AppState] = {}
        self._index: dict[tuple[str, str], set[str]] = {}
        self._numbers = iter(range(1, 1 << 62))
        for app in scenario.apps:
            self.put_app(app)
        for user in scenario.users:
            self.add_user(user)

    @property
    def id(self) -> str:
        return self.scenario.id

    def put_app(self, app: AppScenario) -> AppState:
        """Add an app registration, or replace the one with this client id."""
        held = tuple(SecretState(self.world.hash(app.client_id, s.value), s.expires) for s in app.secrets)
        path = f"app {app.client_id}"
        certificates = tuple(Certificate.load(certificate, path) for certificate in app.certificates)
        blank = tuple(replace(secret, value="") for secret in app.secrets)
        state = AppState(replace(app, secrets=blank), held, certificates)
        self.apps[app.client_id.lower()] = state
        return state

    def add_user(self, user: UserScenario) -> UserState:
        owner = user.object_id
        state = UserState(
            scenario=replace(user, password=None, previous_passwords=()),
            number=next(self._numbers),
            properties=_properties(user, self.scenario),
            password=None if user.password is None else self.world.hash(owner, user.password),
            previous=tuple(self.world.hash(owner, value) for value in user.previous_passwords),
            answers_left=user.answer.times if user.answer else None,
            last_sign_in=user.last_sign_in,
            last_successful_sign_in=user.last_successful_sign_in,
        )
        self.users[owner] = state
        self._enter(state)
        self._begin_lockout(state)
        return state

    def _begin_lockout(self, user: UserState) -> None:
        if user.scenario.locked_seconds:
            self.lock_user(user, user.scenario.locked_seconds)
        self.fail_as_others(user, user.scenario.failures_by_others)

    def change_user(self, upn_or_id: str, **changes: Any) -> UserState:
        """Change fields of :class:`UserScenario`; ``password`` sets a new one and dates the change."""
        with self.world.lock:
            user = self.find(upn_or_id) or self.users[upn_or_id]
            if "previous_passwords" in changes or "id" in changes:
                raise ValueError("id and previous_passwords cannot be changed")
            self._leave(user)
            if "password" in changes:
                changes = self._set_password(user, **changes)
            user.scenario = replace(user.scenario, id=user.id, **changes)
            user.answers_left = user.scenario.answer.times if user.scenario.answer else None
            user.properties = _properties(replace(user.scenario, password=_held(user)), self.scenario)
            self._enter(user)
            return user

    def _set_password(self, user: UserState, password: str | None, **changes: Any) -> dict[str, Any]:
        if user.password is not None:
            user.previous = (user.password, *user.previous)
        user.password = None if password is None else self.world.hash(user.id, password)
        user.lockout = LockoutState()
        return {"last_password_change": self.world.clock(), **changes}

    def put_back_password(self, upn_or_id: str, password: str) -> UserState:
        """Set a password again that the account had before; refused when it never had it."""
        user = self.find(upn_or_id)
        if user is None or self.world.hash(user.id, password) not in user.previous:
            raise ValueError("the account has not had this password")
        return self.change_user(user.id, password=password)

    def find(self, address: str) -> UserState | None:
        """A user that is not deleted, by object id or UPN."""
        known = self.users.get(address.lower())
        if known is None:
            ids = self._index.get(("userPrincipalName", address.casefold()), ())
            known = next((self.users[i] for i in ids), None)
        return known if known and not known.deleted else None

    def find_for_sign_in(self, username: str) -> UserState | None:
        """The user that a user name means: its UPN, or its mail where the directory allows that."""
        user = self.find(username) if "@" in username else None
        if user is None and self.scenario.alternate_login:
            ids = self._index.get(("mail", username.casefold()), ())
            user = next((self.users[i] for i in ids), None)
        return user

    def indexed(self, name: str, value: str) -> set[str] | None:
        """Ids of the present users whose property has this value; None when it has no index."""
        return self._index.get((name, value.casefold()), set()) if name in _ADDRESS_FIELDS else None

    def present(self) -> Iterator[UserState]:
        return (user for user in self.users.values() if not user.deleted)

    def gone(self) -> Iterator[UserState]:
        return (user for user in self.users.values() if user.deleted)

    def domain_of(self, address: str) -> DomainScenario | None:
        return self.domains.get(address.casefold().rpartition("@")[2])

    def is_pass_through(self, user: UserState) -> bool:
        return user.scenario.pass_through or (self.scenario.pass_through and user.scenario.synced)

    @property
    def lockout_threshold(self) -> int:
        own = self.scenario.lockout_threshold
        return CLOUD_THRESHOLD[self.cloud] if own is None else own

    @property
    def lockout_seconds(self) -> int:
        own = self.scenario.lockout_seconds
        return DEFAULT_LOCK_SECONDS if own is None else own

    def lockout_policy(self, user: UserState) -> LockoutPolicy:
        first_lock = timedelta(seconds=self.lockout_seconds)
        return LockoutPolicy(self.lockout_threshold, first_lock, remembers=not self.is_pass_through(user))

    def set_lockout(self, user: UserState, after: LockoutState) -> None:
        """Take over a lockout state; a lock that it brings is recorded."""
        if after.lock is not None and after.lock is not user.lockout.lock:
            self.world.locks.append(LockRecord(self.id, user.id, user.scenario.upn, after.lock))
        user.lockout = after

    def lock_user(self, user: UserState, seconds: float) -> None:
        """Lock an account as if others had done it."""
        self.set_lockout(user, lock_now(user.lockout, seconds=seconds, by=NOISE, now=self.world.clock()))

    def fail_as_others(self, user: UserState, times: int) -> None:
        """Wrong tries by clients that are not in the scenario, each with another password."""
        for _ in range(times):
            wrong, now = secrets.token_bytes(32), self.world.clock()
            policy = self.lockout_policy(user)
            self.set_lockout(user, record_wrong(user.lockout, policy, wrong, by=NOISE, now=now))

    def _enter(self, user: UserState) -> None:
        if not user.deleted:
            for key in _index_keys(user):
                self._index.setdefault(key, set()).add(user.id)

    def _leave(self, user: UserState) -> None:
        for key in _index_keys(user):
            self._index.get(key, set()).discard(user.id)


class World:
    """Everything the server knows."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        check(scenario)
        self.clock = clock
        self.cloud: Cloud = scenario.cloud
        self.lock = threading.RLock()
        self.hash = Hasher()
        self.locks: list[LockRecord] = []
        self.rng = random.Random(scenario.seed)
        """Where the service promises no order, it decides."""
        self.sources_blocked = False
        """Answer every password sign-in with 50053, as for an address that is known for attacks."""
        self.directories = {d.id.lower(): DirectoryState(d, self) for d in scenario.directories}

    def directory(self, name: str) -> DirectoryState | None:
        """A directory by its GUID or one of its verified domain names."""
        wanted = name.casefold()
        if wanted in self.directories:
            return self.directories[wanted]
        return next((d for d in self.directories.values() if _is_verified(d.domains.get(wanted))), None)

    def directory_with_domain(self, domain: str) -> DirectoryState | None:
        return next((d for d in self.directories.values() if domain.casefold() in d.domains), None)

    def locked_accounts(self) -> list[LockRecord]:
        """The accounts that are locked at this moment."""
        now = self.clock()
        with self.lock:
            return [
                LockRecord(d.id, user.id, user.scenario.upn, user.lockout.lock)
                for d in self.directories.values()
                for user in d.users.values()
                if user.lockout.lock is not None and user.lockout.is_locked(now)
            ]

    def locks_by(self, client_ids: Iterable[str]) -> list[LockRecord]:
        """The locks, past ones too, to which failures of these clients contributed."""
        wanted = {client_id.lower() for client_id in client_ids}
        return [record for record in self.locks if wanted.intersection(record.caused_by)]

    def locks_by_alone(self, client_ids: Iterable[str]) -> list[LockRecord]:
        """The locks, past ones too, to which nobody but these clients contributed."""
        wanted = {client_id.lower() for client_id in client_ids}
        return [record for record in self.locks if wanted.issuperset(record.caused_by)]


def _is_verified(domain: DomainScenario | None) -> bool:
    return domain is not None and domain.verified


def _held(user: UserState) -> str | None:
    return None if user.password is None else ""


def _properties(user: UserScenario, directory: DirectoryScenario) -> Object:
    unknown = sorted(set(user.properties) - USER_PROPERTIES)
    if unknown:
        raise ScenarioError(f"user {user.upn}: properties: unknown Graph property '{unknown[0]}'")
    properties = user_object(user, directory)
    if user.deleted is not None:
        # A deleted user's name is freed: the service puts the object id in front of it.
        properties["userPrincipalName"] = user.object_id.replace("-", "") + user.upn
    return properties


def _index_keys(user: UserState) -> Iterator[tuple[str, str]]:
    for name in _ADDRESS_FIELDS:
        value = user.properties[name]
        for entry in value if isinstance(value, list) else [value]:
            if entry is not None:
                yield name, entry.casefold()
