"""The living world: what the scenario's directories, users and apps have become since the start.

No plaintext is kept: passwords and client secrets are held as keyed hashes under a key that this process
made. Whoever changes or reads several things at once holds :attr:`World.lock`.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from emberwatch.core.clock import Clock
from emberwatch.simulator.account_book import AccountBook
from emberwatch.simulator.accounts import Hasher, UserState
from emberwatch.simulator.apps import AppState, SecretState
from emberwatch.simulator.changes import WHOLE, ChangeLog
from emberwatch.simulator.codes import Failure, reason_of
from emberwatch.simulator.graph_objects import DEFAULT_LOCK_SECONDS
from emberwatch.simulator.late_writes import LateLinks
from emberwatch.simulator.lockout import NOISE, Lock, LockoutPolicy, LockoutState, lock_now, record_wrong
from emberwatch.simulator.managers import Managers
from emberwatch.simulator.memberships import Memberships
from emberwatch.simulator.population import chiefs, crowds, people
from emberwatch.simulator.scenario import (
    CLOUD_THRESHOLD,
    AppScenario,
    Cloud,
    DirectoryScenario,
    DomainScenario,
    PopulationScenario,
    RiskDetectionScenario,
    Scenario,
    ScenarioError,
    UserScenario,
)
from emberwatch.simulator.scenario_check import check
from emberwatch.simulator.sign_in_log import Sender, SignInEntry, SignInLog, another_client
from emberwatch.simulator.user_properties import USER_PROPERTIES, UserProperties

__all__ = ["AppState", "DirectoryState", "LockRecord", "SecretState", "UserState", "World"]

_SIGNED_IN: Final = "Other."
"""What the log says of a sign-in that succeeded."""
_FORCED: Final = ("force_change", "force_change_with_mfa")
"""What a new password puts an end to."""


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


class DirectoryState(AccountBook):
    """One directory with its users, apps, groups and roles."""

    def __init__(self, scenario: DirectoryScenario, world: World) -> None:
        super().__init__()
        self.scenario = replace(scenario, users=(), apps=(), detections=())
        self.world = world
        self.cloud = scenario.cloud or world.cloud
        self.domains = {domain.name.casefold(): domain for domain in scenario.domains}
        self.apps: dict[str, AppState] = {}
        self.sign_ins = SignInLog()
        self.delta = scenario.delta
        self.delta_epoch = 0
        """Counts the resets after which no delta token is worth anything."""
        self.changes = ChangeLog()
        """Of users; those of groups are kept with them."""
        self.detections: list[tuple[RiskDetectionScenario, str]] = []
        """With the object id of the account."""
        self.protection_asked: float | None = None
        """When Identity Protection last answered anybody."""
        self.memberships = Memberships(self.is_present)
        self.managers = Managers(self.changes, self.is_present)
        self.late_users: dict[str, UserState] = {}
        """The accounts of which reads do not see everything yet."""
        self.late_links = LateLinks()
        for app in scenario.apps:
            self.put_app(app)
        for user in scenario.users:
            self._put_user(user)
        for user in scenario.users:
            self.managers.enter(user.object_id, self.id_of(user.manager) if user.manager else None)
        self.memberships.load(scenario.groups, scenario.roles, self.id_of)
        if scenario.population is not None:
            self._populate(scenario.population)
        for detection in scenario.detections:
            self.detect(detection)

    def _populate(self, wanted: PopulationScenario) -> None:
        ids = [self._put_user(person).id for person in people(wanted)]
        for user_id, manager in chiefs(ids) if wanted.managers else ():
            self.managers.enter(user_id, manager)
        for crowd in crowds(wanted, ids):
            if crowd.group is not None:
                self.memberships.fill(crowd.group, crowd.members)
            if crowd.role is not None:
                self.memberships.fill_role(crowd.role, crowd.members)

    @property
    def id(self) -> str:
        return self.scenario.id

    def put_app(self, app: AppScenario) -> AppState:
        """Add an app registration, or replace the one with this client id."""
        state = AppState.load(app, self.world.hash)
        self.apps[app.client_id.lower()] = state
        return state

    def add_user(self, user: UserScenario) -> UserState:
        """Create an account."""
        with self.world.lock:
            self._check_name(None, user.upn)
            state = self._put_user(user)
            self.changes.note(state.id, WHOLE)
            self.managers.set(state.id, self.id_of(user.manager) if user.manager else None)
            return state

    def _put_user(self, user: UserScenario) -> UserState:
        _check_properties(user.upn, user.properties)
        owner = user.object_id
        state = UserState(
            scenario=replace(user, id=owner, password=None, previous_passwords=()),
            directory=self.scenario,
            number=self.next_number,
            password=None if user.password is None else self.world.hash(owner, user.password),
            previous=tuple(self.world.hash(owner, value) for value in user.previous_passwords),
            answers_left=user.answer.times if user.answer else None,
            last_sign_in=user.last_sign_in,
            last_successful_sign_in=user.last_successful_sign_in,
        )
        self.enter(state)
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
            _check_properties(user.scenario.upn, changes.get("properties", {}))
            if changes.get("deleted", user.scenario.deleted) is None:
                self._check_name(user, str(changes.get("upn", user.scenario.upn)))
            self.unindex(user)
            before, gone = user.properties, user.deleted
            if "password" in changes:
                changes = self._set_password(user, **changes)
            user.scenario = replace(user.scenario, id=user.id, **changes)
            if "answer" in changes:
                user.answers_left = user.scenario.answer.times if user.scenario.answer else None
            if "enabled" in changes:
                user.enabled_there = None
            self.index(user)
            self._note_change(user, before, was_deleted=gone)
            if "manager" in changes:
                name = changes["manager"]
                self.managers.set(user.id, self.id_of(name) if name else None)
            return user

    def _check_name(self, user: UserState | None, upn: str) -> None:
        holder = self.find(upn)
        if holder is not None and holder is not user:
            raise ValueError(f"another account has the name {upn!r}")
        if self.domain_of(upn) is None:
            raise ValueError(f"the domain of {upn!r} is not one of the directory's")

    def _note_change(self, user: UserState, before: UserProperties, *, was_deleted: bool) -> None:
        if was_deleted == user.deleted:
            after = user.properties
            self.changes.note(user.id, {name for name in after if after[name] != before[name]})
            return
        # Who heard that the account is gone has dropped its manager with it.
        self.changes.note(user.id, WHOLE, self.managers.links(user.id) if not user.deleted else ())
        if user.deleted:
            self.memberships.account_left(user.id)
            self.managers.account_left(user.id)
        else:
            self.memberships.account_returned(user.id)
            self.managers.account_returned(user.id)

    def purge_user(self, user_id: str) -> None:
        """Remove an account for good: it cannot be restored, and nothing remembers it but delta queries."""
        with self.world.lock:
            user = self.users[user_id]
            self.strike(user)
            self.detections = [entry for entry in self.detections if entry[1] != user_id]
            if not user.deleted:
                self.memberships.account_left(user_id)
                self.managers.account_left(user_id)
            self.memberships.account_forgotten(user_id)
            self.managers.account_forgotten(user_id)
            self.changes.note(user_id, WHOLE)

    def reset_delta(self) -> None:
        """Make every delta token worthless, as maintenance of the directory does."""
        self.delta_epoch += 1

    def _set_password(self, user: UserState, password: str | None, **changes: Any) -> dict[str, Any]:
        if user.password is not None:
            user.previous = (user.password, *user.previous)
        user.password = None if password is None else self.world.hash(user.id, password)
        user.lockout = LockoutState()
        ended = {name: False for name in _FORCED if getattr(user.scenario, name)}
        return {"last_password_change": self.world.clock(), **ended, **changes}

    def put_back_password(self, upn_or_id: str, password: str) -> UserState:
        """Set a password again that the account had before; refused when it never had it."""
        user = self.find(upn_or_id)
        if user is None or self.world.hash(user.id, password) not in user.previous:
            raise ValueError("the account has not had this password")
        return self.change_user(user.id, password=password)

    def detect(self, detection: RiskDetectionScenario) -> None:
        """Add a finding about an account; a deleted one is meant when no present one has the name."""
        wanted = detection.upn.casefold()
        with self.world.lock:
            named = [user for user in self.users.values() if user.scenario.upn.casefold() == wanted]
            if not named:
                raise ScenarioError(f"{detection.upn!r} is not in the directory")
            user = min(named, key=lambda each: each.deleted)
            self.detections.append((detection, user.id))

    def note_sign_in(self, user: UserState, sender: Sender, failure: Failure | None) -> None:
        """Write a sign-in into the log."""
        self.sign_ins.add(
            SignInEntry(
                number=self.sign_ins.next_number,
                at=self.world.clock().replace(microsecond=0),
                sender=sender,
                user_id=user.id,
                user_principal_name=user.scenario.upn,
                user_display_name=user.properties["displayName"],
                code=failure.code if failure else 0,
                reason=reason_of(failure) if failure else _SIGNED_IN,
            )
        )

    def find_for_sign_in(self, username: str) -> UserState | None:
        """The user that a user name means: its UPN, or its mail where the directory allows that."""
        user = self.find(username) if "@" in username else None
        if user is None and self.scenario.alternate_login:
            user = self.find_by_mail(username)
        return user

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
            self.note_sign_in(
                user, another_client(), Failure(50053 if user.lockout.is_locked(now) else 50126)
            )
            self.set_lockout(user, record_wrong(user.lockout, policy, wrong, by=NOISE, now=now))


class World:
    """Everything the server knows."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        check(scenario)
        self.clock = clock
        self.cloud: Cloud = scenario.cloud
        self.lock = threading.RLock()
        self.hash = Hasher()
        self.token_key = secrets.token_bytes(32)
        """Signs delta tokens: those of another world, or of an earlier run, are unknown here."""
        self.locks: list[LockRecord] = []
        self.token_generation = 1
        self.seed = scenario.seed
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

    def account_id(self, name: str) -> str:
        """The object id of an account by its id or UPN, or the name in lower case when nobody has it."""
        directory = self.directory_with_domain(name.rpartition("@")[2])
        return (directory and directory.id_of(name)) or name.lower()

    def directory_with_domain(self, domain: str) -> DirectoryState | None:
        return next((d for d in self.directories.values() if domain.casefold() in d.domains), None)

    @property
    def token_mark(self) -> str:
        """What the tokens that are valid now carry."""
        return f"1.{self.token_generation}"

    def end_tokens(self) -> None:
        """Let every token that was given so far be expired."""
        self.token_generation += 1

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


def _check_properties(upn: str, properties: Mapping[str, Any]) -> None:
    unknown = sorted(set(properties) - USER_PROPERTIES)
    if unknown:
        raise ScenarioError(f"user {upn}: properties: unknown Graph property '{unknown[0]}'")
