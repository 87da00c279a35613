"""The stages of a reading: what each asks for, what it stores, and where it goes on. One row of :data:`STAGES` each.

A stage takes one page at a time. It returns what is to be stored, which happens in one transaction with the place
at which the reading goes on, so that nothing is lost or done twice for good when a process dies in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from emberwatch.directories.base import DirectoryError
from emberwatch.directories.changes import (
    AccountChange,
    Extra,
    GroupChange,
    LinkExpired,
    Page,
    Reader,
)
from emberwatch.engine.facts import announce
from emberwatch.identities import applications, groups
from emberwatch.identities.models import ChangeTrack, DirectorySync, TrackSubject
from emberwatch.identities.storing import (
    Copy,
    Reading,
    Stored,
    known_among,
    store_accounts,
    store_notes,
    sweep_accounts,
    sweep_bin,
)
from emberwatch.vault.services import tenant_vault

Buffer: TypeAlias = bytes | memoryview


class Stage(StrEnum):
    ACCOUNTS = "accounts"
    DELETED = "deleted"
    GROUPS = "groups"
    ROLES = "roles"
    ORGANISATION = "organisation"
    APPLICATIONS = "applications"
    SIGN_INS = "sign_ins"
    REGISTRATION = "registration"
    RISK = "risk"

    @property
    def label(self) -> str:
        return STAGES[self].label


@dataclass(slots=True)
class At:
    """Where a reading stands. ``position`` is the link to go on at, empty at the beginning of a stage.

    ``sync`` is exchanged for the locked row before a step is stored.
    """

    sync: DirectorySync
    reader: Reader
    now: datetime
    position: str

    @property
    def copy(self) -> Copy:
        return Copy(self.sync.tenant_id, self.sync.entra_tenant_id)


@dataclass(frozen=True, slots=True)
class Step:
    """What one page of a stage brought. ``store`` writes it down inside the caller's transaction and returns counts."""

    store: Callable[[], Mapping[str, int]]
    position: str = ""
    ends: bool = False
    pause: float = 0.0
    units: int = 0


@dataclass(frozen=True, slots=True)
class StageRow:
    """``every``: how often it is due; more often only when a person asks. ``optional``: a refusal switches it off."""

    label: str
    take: Callable[[At], Step]
    every: timedelta = timedelta(0)
    optional: bool = False


def _nothing() -> Mapping[str, int]:
    return {}


# Following changes


@dataclass(slots=True)
class _Track:
    """A list of changes that is followed page by page, with what to do when the directory has lost the place."""

    at: At
    row: ChangeTrack
    delta_link: str = field(init=False)

    def __post_init__(self) -> None:
        self.delta_link = opened(self.at.sync, self.row.sealed_delta_link, f"{self.row.subject}_delta")

    @property
    def link(self) -> str:
        return self.at.position or self.delta_link

    @property
    def reading(self) -> Reading:
        return Reading(self.at.now, self.row.generation, self.row.full_since is not None)

    def begin(self) -> None:
        """A full reading counts as a new generation from its first page on, and stays it through a crash."""
        if not self.link:
            self.row.generation += 1
            self.row.full_since = self.at.now

    def lost(self, error: LinkExpired) -> Step:
        """Goes back to the last place that may still be known: the end of the last reading, or the beginning."""
        if not self.link:
            raise DirectoryError(error.message, remedy=error.remedy, code=error.code)
        is_between = self.at.position not in ("", self.delta_link)
        if is_between and self.delta_link and self.row.full_since is None:
            return Step(_nothing, self.delta_link)

        def forget() -> Mapping[str, int]:
            self.row.sealed_delta_link, self.row.full_since = None, None
            self.row.save()
            return {"resyncs": 1}

        return Step(forget)

    def save(self, page: Page[AccountChange] | Page[GroupChange]) -> None:
        if not page.next_link:
            self.row.sealed_delta_link = sealed(self.at.sync, page.delta_link, f"{self.row.subject}_delta")
            self.row.full_since = None
        self.row.save()


def track_of(sync: DirectorySync, subject: TrackSubject) -> ChangeTrack:
    found = ChangeTrack.objects.filter(sync=sync, subject=subject).first()
    return found or ChangeTrack(sync=sync, subject=subject)


def _context(sync: DirectorySync, name: str) -> str:
    return f"sync:{sync.id}:{name}"


def sealed(sync: DirectorySync, link: str, name: str) -> bytes | None:
    """A link is the directory's own and opaque: what it holds nobody can tell, so nobody else gets to read it."""
    return tenant_vault(sync.tenant_id).seal_bytes(link.encode(), _context(sync, name)) if link else None


def opened(sync: DirectorySync, link: Buffer | None, name: str) -> str:
    return tenant_vault(sync.tenant_id).open_bytes(bytes(link), _context(sync, name)).decode() if link else ""


def _accounts(at: At) -> Step:
    if at.sync.group_id is not None:
        return _accounts_of_group(at, at.sync.group_id)
    track = _Track(at, track_of(at.sync, TrackSubject.ACCOUNTS))
    try:
        page = at.reader.account_changes(track.link)
    except LinkExpired as error:
        return track.lost(error)
    whole = _completed(at, page.items, is_full=not track.link or track.row.full_since is not None)

    def store() -> Mapping[str, int]:
        track.begin()
        counts = _stored(at, whole, track.reading)
        if not page.next_link and track.row.full_since is not None:
            counts["removed"] += _swept(at, track.row, whole=True)
        track.save(page)
        return counts

    return Step(store, page.next_link, not page.next_link, page.pause, page.units)


def _completed(at: At, changes: Iterable[AccountChange], *, is_full: bool) -> list[AccountChange]:
    """Asks for what changes leave out: most of an account that we never met, the manager of one that came back."""
    listed = list(changes)
    if is_full:
        return listed
    present, gone = known_among(at.copy, [each.object_id for each in listed])
    partial = [each.object_id for each in listed if _is_partial(each, present, gone)]
    if not partial:
        return listed
    wanted = list(dict.fromkeys(partial))
    whole = {change.object_id: change.told for change in at.reader.whole_accounts(wanted)}
    # One that is not there any more has a removal of its own further on.
    kept = (each for each in listed if each.object_id in whole or each.object_id not in partial)
    return [replace(each, told={**whole.get(each.object_id, {}), **each.told}) for each in kept]


def _is_partial(change: AccountChange, present: set[UUID], gone: set[UUID]) -> bool:
    if change.gone or change.object_id in present:
        return False
    needed = "manager_object_id" if change.object_id in gone else "user_principal_name"
    return needed not in change.told


def _accounts_of_group(at: At, group_id: UUID) -> Step:
    """Members of a group are listed anew each time: the directory gives no changes of nested groups."""
    row = track_of(at.sync, TrackSubject.ACCOUNTS)
    try:
        page = at.reader.accounts_of_group(group_id, at.position)
    except LinkExpired as error:
        if not at.position:
            raise DirectoryError(error.message, remedy=error.remedy, code=error.code) from None
        return Step(_nothing)

    def store() -> Mapping[str, int]:
        if not at.position:
            row.generation, row.full_since = row.generation + 1, at.now
        reading = Reading(at.now, row.generation, True, frozenset({"manager_object_id"}))
        counts = _stored(at, page.items, reading)
        if not page.next_link:
            counts["removed"] += _swept(at, row, whole=False)
            row.full_since = None
        row.sealed_delta_link = None
        row.save()
        return counts

    return Step(store, page.next_link, not page.next_link, page.pause, page.units)


def _stored(at: At, changes: Iterable[AccountChange], reading: Reading) -> Counter[str]:
    listed = list(changes)
    stored = store_accounts(at.copy, listed, reading)
    _tell_changed_passwords(at, stored)
    return Counter(
        accounts=len(listed),
        added=stored.added,
        changed=stored.changed,
        removed=stored.removed,
        restored=stored.restored,
    )


def _tell_changed_passwords(at: At, stored: Stored) -> None:
    if stored.password_changed:
        ids = [str(each) for each in stored.password_changed]
        announce("identity.passwords_changed", tenant_id=str(at.sync.tenant_id), identity_ids=ids)


def _swept(at: At, row: ChangeTrack, *, whole: bool) -> int:
    since = row.full_since or at.now
    return sweep_accounts(at.copy, row.generation, since, at.now, whole=whole)


def _deleted(at: At) -> Step:
    page = at.reader.deleted_accounts(at.position)
    generation = track_of(at.sync, TrackSubject.ACCOUNTS).generation

    def store() -> Mapping[str, int]:
        # With a scope, only accounts that were met inside it.
        wanted = page.items
        if at.sync.group_id is not None:
            present, gone = known_among(at.copy, [each.object_id for each in wanted])
            wanted = tuple(each for each in wanted if each.object_id in present | gone)
        stored = store_accounts(at.copy, wanted, Reading(at.now, generation))
        if not page.next_link:
            sweep_bin(at.copy, at.sync.started_at or at.now, at.now)
        return Counter(deleted=len(wanted), removed=stored.removed)

    return Step(store, page.next_link, not page.next_link, page.pause, page.units)


def _groups(at: At) -> Step:
    track = _Track(at, track_of(at.sync, TrackSubject.GROUPS))
    if at.sync.group_id is not None and not at.position:
        # Memberships of those who have joined the scope were not kept before.
        track.delta_link = ""
    try:
        page = at.reader.group_changes(track.link)
    except LinkExpired as error:
        return track.lost(error)

    def store() -> Mapping[str, int]:
        track.begin()
        groups.store_groups(at.copy, page.items, track.row.generation)
        if not page.next_link and track.row.full_since is not None:
            groups.sweep_groups(at.copy, track.row.generation)
        if not page.next_link and at.sync.group_id is not None:
            groups.keep_members_in_scope(at.copy)
        track.save(page)
        return Counter(groups=len(page.items))

    return Step(store, page.next_link, not page.next_link, page.pause, page.units)


def _roles(at: At) -> Step:
    roles = at.reader.roles()

    def store() -> Mapping[str, int]:
        groups.store_roles(at.copy, roles)
        return Counter(roles=len(roles))

    return Step(store, ends=True)


def _organisation(at: At) -> Step:
    found = dict(at.reader.organisation())

    def store() -> Mapping[str, int]:
        at.sync.organisation = found
        return {}

    return Step(store, ends=True)


def _applications(at: At) -> Step:
    """Listed anew each time: the directory gives no changes of who was given an application."""
    row = track_of(at.sync, TrackSubject.APPLICATIONS)
    try:
        page = at.reader.applications(at.position)
    except LinkExpired as error:
        if not at.position:
            raise DirectoryError(error.message, remedy=error.remedy, code=error.code) from None
        return Step(_nothing)

    def store() -> Mapping[str, int]:
        if not at.position:
            row.generation += 1
        applications.store_applications(
            at.copy, page.items, row.generation, known_only=at.sync.group_id is not None
        )
        if not page.next_link:
            applications.sweep_applications(at.copy, row.generation)
        row.save()
        return Counter(applications=len(page.items))

    return Step(store, page.next_link, not page.next_link, page.pause, page.units)


def _extra(which: Extra) -> Callable[[At], Step]:
    def take(at: At) -> Step:
        page = at.reader.extra(which, at.position)  # noqa: S610 - not Django's

        def store() -> Mapping[str, int]:
            return {which.value: store_notes(at.copy, page.items)}

        return Step(store, page.next_link, not page.next_link, page.pause, page.units)

    return take


NOW_AND_THEN: Final = timedelta(hours=24)
SOME_HOURS: Final = timedelta(hours=6)

STAGES: Final[Mapping[Stage, StageRow]] = {
    Stage.ACCOUNTS: StageRow("Accounts", _accounts),
    Stage.DELETED: StageRow("Deleted accounts", _deleted, optional=True),
    Stage.GROUPS: StageRow("Groups", _groups, optional=True),
    Stage.ROLES: StageRow("Directory roles", _roles),
    Stage.ORGANISATION: StageRow("Organisation and domains", _organisation, SOME_HOURS),
    Stage.APPLICATIONS: StageRow("Applications", _applications, NOW_AND_THEN, optional=True),
    Stage.SIGN_INS: StageRow("Last sign-ins", _extra(Extra.SIGN_INS), NOW_AND_THEN, optional=True),
    Stage.REGISTRATION: StageRow(
        "Registered methods", _extra(Extra.REGISTRATION), NOW_AND_THEN, optional=True
    ),
    Stage.RISK: StageRow("Risk", _extra(Extra.RISK), SOME_HOURS, optional=True),
}


def first_stage() -> Stage:
    return Stage.ACCOUNTS


def stage_after(stage: Stage, sync: DirectorySync, now: datetime) -> Stage | None:
    """The next stage that is due; a person who asks gets all of them."""
    order = list(STAGES)
    rest = order[order.index(stage) + 1 :]
    return next((each for each in rest if sync.is_asked_for or _is_due(each, sync, now)), None)


def _is_due(stage: Stage, sync: DirectorySync, now: datetime) -> bool:
    """A stage that was refused is asked about again after as long as one that rests."""
    row = STAGES[stage]
    refused = sync.refusals.get(stage)
    told = refused["asked_at"] if refused else sync.read_ats.get(stage)
    every = max(row.every, NOW_AND_THEN) if refused else row.every
    return told is None or datetime.fromisoformat(told) + every <= now
