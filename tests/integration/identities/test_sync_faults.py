"""Whatever goes wrong on the way, the store ends up equal to the directory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from emberwatch.directories.changes import Reader
from emberwatch.directories.services import open_directory
from emberwatch.identities import leases
from emberwatch.identities.models import Identity, SyncLease, SyncState
from emberwatch.identities.syncing import due_syncs
from emberwatch.simulator import DeltaScenario, FaultRule
from emberwatch.simulator.faults import turbulence
from tests.factories import connect, make_tenant
from tests.integration.identities.conftest import World
from tests.organisation import Days
from tests.world import APP, DIRECTORY, SECRET

pytestmark = pytest.mark.django_db

Begin = Callable[..., World]
PAGES = DeltaScenario(page=10)


@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_of_the_replies_fail(begin: Begin, seed: int) -> None:
    world = begin(90, delta=DeltaScenario(page=5))
    days = Days(world.entra, seed=seed)
    for rule in (*turbulence(0.2, retry_after=1), FaultRule(where="item", kind="5xx", rate=0.2)):
        world.entra.faults.add(rule)
    for _ in range(3):
        world.read()
        assert world.differences() == []
        days.pass_by(30)
    struck = world.entra.journal.entries(lambda entry: bool(entry.fault))
    assert len({entry.fault for entry in struck}) >= 3


def test_the_token_ends_in_the_middle(begin: Begin) -> None:
    world = begin(60, delta=PAGES)
    world.ask()
    opened = open_directory(world.connection, world.now)
    steps = 0
    while world.go_on(for_at_most=timedelta(0), directory_for=lambda _: opened) is not None:
        steps += 1
        world.entra.clock.advance(2 * 3600)
    assert steps > 5
    assert world.entra.journal.entries(lambda entry: entry.status == 401)
    assert world.differences() == []


def test_everything_at_once(begin: Begin) -> None:
    """A fifth of the replies fail, tokens end, the place of the changes is forgotten, and the process dies."""
    world = begin(90, delta=DeltaScenario(page=5))
    days = Days(world.entra)
    for rule in turbulence(0.2, retry_after=1):
        world.entra.faults.add(rule)
    pages = itertools.cycle(range(1, 12))
    for _ in range(3):
        world.ask()
        deaths = 0
        while dies_at_page(world, next(pages)):
            deaths += 1
            # Longer than a token lives.
            world.entra.clock.advance(2 * 3600)
            world.ahead += leases.LEASE
        world.finish()
        assert deaths
        assert world.differences() == []
        days.pass_by(30)
        # Longer than the place of the changes is known.
        world.entra.clock.advance(8 * 24 * 3600)
    assert world.sync.counts["resyncs"] >= 1
    assert len({entry.fault for entry in world.entra.journal.entries() if entry.fault}) == 4


class Killed(BaseException):
    """What a process that dies leaves behind: nothing of what it had not committed."""


@dataclass
class Dying:
    """A reader whose process dies at its ``page``-th answer, before or after it was stored."""

    inner: Reader
    page: int
    answers: int = 0

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self.inner, name)

        def counted(*args: Any) -> Any:
            answer = ask(*args)
            self.answers += 1
            if self.answers == self.page:
                raise Killed
            return answer

        return counted


@dataclass
class DyingDirectory:
    inner: Any
    page: int

    def reader(self) -> Any:
        return Dying(self.inner.reader(), self.page)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def dies(world: World, directory: Callable[[Any], Any], clock: Callable[[], datetime] | None = None) -> bool:
    """Reads until the process dies; true when it did. Its lease stays, as that of a dead process does."""
    opened = open_directory(world.connection, world.now)
    try:
        world.go_on(directory_for=lambda _: directory(opened), clock=clock or world.now, for_at_most=None)
    except Killed:
        held = {"holder": uuid4(), "until": world.now() + leases.LEASE}
        SyncLease.objects.update_or_create(entra_tenant_id=world.connection.entra_tenant_id, defaults=held)
        return True
    finally:
        opened.close()
    return False


def dies_at_page(world: World, page: int) -> bool:
    return dies(world, lambda opened: DyingDirectory(opened, page))


def dies_at_moment(world: World, moment: int) -> bool:
    """The clock is asked before, within and after each transaction."""
    asked = itertools.count(1)

    def clock() -> datetime:
        if next(asked) == moment:
            raise Killed
        return world.now()

    return dies(world, lambda opened: opened, clock)


def days_of(world: World) -> Iterator[None]:
    yield
    Days(world.entra).pass_by(60)
    yield


@pytest.mark.parametrize(("die", "longest"), [(dies_at_page, 2), (dies_at_moment, 10)])
def test_a_process_that_dies_at_each_page_in_turn(
    begin: Begin, die: Callable[[World, int], bool], longest: int
) -> None:
    world = begin(50, delta=PAGES)
    died = 0
    for _ in days_of(world):
        world.ask()
        after = itertools.cycle(range(1, longest + 1))
        while die(world, next(after)):
            died += 1
            assert world.go_on() is not None
            assert world.sync.state in (SyncState.RUNNING, SyncState.WAITING)
            world.ahead += leases.LEASE
            assert died < 300
        world.finish()
        assert world.differences() == []
    assert died > 10


def test_a_process_that_dies_begins_no_page_twice_for_good(begin: Begin) -> None:
    world = begin(50, delta=PAGES)
    world.ask()
    assert dies_at_page(world, 4)
    met = Identity.objects.count()
    assert met == 30
    world.ahead += leases.LEASE
    world.entra.journal.clear()
    world.finish()
    pages = world.entra.journal.entries(lambda entry: entry.path == "/v1.0/users/delta")
    assert len(pages) == 2


def test_one_process_reads_a_directory_at_a_time_whichever_its_tenants(begin: Begin) -> None:
    world = begin(30, delta=PAGES)
    other = make_tenant("contoso.example")
    second = World(world.entra, other, connect(other, DIRECTORY, APP, SECRET))
    world.ask()
    second.ask()
    waited = []

    def meanwhile(_: float) -> None:
        waited.append(second.go_on())

    opened = open_directory(world.connection, world.now)
    asked_before = len(world.entra.journal.entries(lambda entry: entry.path.startswith("/v1.0")))

    class Watched(DyingDirectory):
        def reader(self) -> Any:
            meanwhile(0)
            return self.inner.reader()

    world.go_on(directory_for=lambda _: Watched(opened, 0))
    assert waited == [timedelta(seconds=15)]
    assert asked_before < len(world.entra.journal.entries(lambda entry: entry.path.startswith("/v1.0")))
    assert not Identity.objects.filter(tenant=other).exists()
    second.finish()
    assert second.differences() == []
    assert world.differences() == []


def test_who_lost_the_lease_stores_nothing_more(begin: Begin) -> None:
    world = begin(30, delta=PAGES)
    world.ask()
    opened = open_directory(world.connection, world.now)
    thief = uuid4()

    class Robbed(DyingDirectory):
        def reader(self) -> Any:
            SyncLease.objects.update(holder=thief)
            return self.inner.reader()

    assert world.go_on(directory_for=lambda _: Robbed(opened, 0)) is not None
    assert not Identity.objects.exists()
    assert SyncLease.objects.get().holder == thief


def test_a_long_wait_holds_for_everybody_and_the_place_is_kept(begin: Begin) -> None:
    world = begin(30, delta=PAGES)
    world.ask()
    world.go_on(for_at_most=timedelta(0))
    place = bytes(world.sync.sealed_position or b"")
    world.entra.faults.add(FaultRule(where="graph", kind="429", count=1, retry_after=120))
    wait = world.go_on()
    assert wait is not None
    assert wait >= timedelta(seconds=119)
    sync = world.sync
    assert (sync.state, bytes(sync.sealed_position or b"")) == (SyncState.WAITING, place)
    assert "throttles" in sync.sentence
    world.entra.journal.clear()
    again = world.go_on()
    assert again is not None
    assert again > timedelta(seconds=100)
    assert world.entra.journal.entries() == []
    world.ahead += again
    world.finish()
    assert world.differences() == []
    assert world.sync.sentence == ""


def test_a_fault_that_a_person_has_to_mend_is_told_and_tried_again_later(begin: Begin) -> None:
    world = begin(30)
    app = world.entra.directory(DIRECTORY).apps[APP]
    held = app.secrets
    app.secrets = ()
    world.ask()
    assert world.go_on() is None
    assert world.sync.state == SyncState.FAILED
    assert "client secret" in world.sync.sentence
    assert due_syncs(world.now()) == []
    world.ahead += timedelta(hours=1, minutes=1)
    app.secrets = held
    assert [sync.connection_id for sync in due_syncs(world.now())] == [world.connection.pk]
    world.finish()
    assert world.differences() == []


def test_a_dead_process_is_followed_by_another(begin: Begin) -> None:
    world = begin(30, delta=PAGES)
    world.ask()
    assert dies_at_page(world, 2)
    assert due_syncs(world.now()) == []
    world.ahead += leases.LEASE
    assert [sync.state for sync in due_syncs(world.now())] == [SyncState.RUNNING]


def test_readings_follow_each_other_by_themselves(begin: Begin) -> None:
    world = begin(30)
    assert [sync.state for sync in due_syncs(world.now())] == [SyncState.WAITING]
    world.finish()
    assert due_syncs(world.now()) == []
    world.ahead += timedelta(hours=1, seconds=1)
    assert len(due_syncs(world.now())) == 1
