"""Reading a whole directory: complete, then by its changes, equal to truth after whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal
from uuid import UUID

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.identities.models import FormerName, Identity, SyncState, TrackSubject
from emberwatch.identities.services import set_scope
from emberwatch.simulator import DeltaScenario
from tests.integration.identities.conftest import World
from tests.organisation import Days
from tests.world import DIRECTORY

pytestmark = pytest.mark.django_db

Begin = Callable[..., World]


def test_the_first_reading_and_the_changes_after_it_are_complete(begin: Begin) -> None:
    world = begin(130, delta=DeltaScenario(page=20))
    sync = world.read()
    assert (sync.state, sync.sentence) == (SyncState.IDLE, "")
    assert world.differences() == []
    assert sync.counts["added"] == Identity.objects.filter(deleted_at=None).count()
    days = Days(world.entra)
    for _ in range(3):
        days.pass_by(40)
        assert world.differences() != []
        world.read()
        assert world.differences() == []


def test_a_second_reading_asks_for_the_changes_alone(begin: Begin) -> None:
    world = begin(130, delta=DeltaScenario(page=20))
    world.read()
    world.entra.journal.clear()
    sync = world.read()
    deltas = world.entra.journal.entries(lambda entry: entry.path == "/v1.0/users/delta")
    assert len(deltas) == 1
    assert (sync.counts["accounts"], sync.counts["changed"]) == (0, 0)


def test_links_are_sealed(begin: Begin) -> None:
    world = begin(30)
    world.read()
    for track in world.sync.tracks.exclude(subject=TrackSubject.APPLICATIONS):
        assert track.sealed_delta_link
        assert b"deltatoken" not in bytes(track.sealed_delta_link)


@pytest.mark.parametrize(
    "delta",
    [
        DeltaScenario(page=7, repeats=0.3, shuffled=True, empty_pages=0.3, removed_at_first=True, links=5),
        DeltaScenario(page=1000),
        DeltaScenario(refused=True),
    ],
)
def test_pages_of_every_kind_are_borne(begin: Begin, delta: DeltaScenario) -> None:
    world = begin(60, delta=delta)
    world.read()
    days = Days(world.entra)
    for _ in range(3):
        days.pass_by(25)
        world.read()
        found = world.differences()
        if delta.refused:
            assert set(world.sync.refusals) >= {"groups"}
            found = [each for each in found if "group" not in each]
        assert found == []


@pytest.mark.parametrize("status", [400, 410])
def test_an_outworn_place_makes_it_read_all_without_dropping_anybody(
    begin: Begin, status: Literal[400, 410]
) -> None:
    world = begin(60, delta=DeltaScenario(page=10, expired_status=status))
    world.read()
    ids = dict(Identity.objects.values_list("object_id", "pk"))
    Days(world.entra).pass_by(30)
    world.entra.clock.advance(8 * 24 * 3600)
    dropped = []

    def watching(_: float) -> None:
        dropped.append(Identity.objects.filter(pk__in=ids.values(), removed_at__isnull=False).count())

    world.read(sleep=watching)
    assert world.sync.counts["resyncs"] >= 1
    assert world.differences() == []
    kept = dict(Identity.objects.values_list("object_id", "pk"))
    assert {key: kept[key] for key in ids} == ids


def test_maintenance_in_the_middle_of_a_reading_begins_it_anew(begin: Begin) -> None:
    world = begin(60, delta=DeltaScenario(page=10))
    world.ask()
    for _ in range(3):
        world.go_on(for_at_most=timedelta(0))
    world.entra.directory(DIRECTORY).reset_delta()
    world.finish()
    assert world.differences() == []


def test_a_page_that_was_kept_waiting_too_long_is_asked_for_again_from_the_last_round(begin: Begin) -> None:
    world = begin(60, delta=DeltaScenario(page=10, page_lifetime_seconds=60))
    world.read()
    Days(world.entra).pass_by(50)
    world.ask()
    world.go_on(for_at_most=timedelta(0))
    assert world.sync.sealed_position
    world.entra.clock.advance(120)
    world.finish()
    assert world.differences() == []
    assert world.sync.counts.get("resyncs", 0) == 0


def test_what_has_gone_for_good_while_nobody_looked_is_removed(begin: Begin) -> None:
    world = begin(40)
    world.read()
    directory = world.entra.directory(DIRECTORY)
    victim = next(directory.present())
    directory.purge_user(victim.id)
    directory.reset_delta()
    world.read()
    row = Identity.objects.get(object_id=UUID(victim.id))
    assert row.removed_at is not None
    assert world.differences() == []


def test_a_name_that_was_given_up_is_kept(begin: Begin) -> None:
    world = begin(20)
    world.read()
    directory = world.entra.directory(DIRECTORY)
    before = next(directory.present())
    old, id_ = before.scenario.upn, before.id
    directory.change_user(id_, upn="married@contoso.example", mail="married@contoso.example")
    world.read()
    row = Identity.objects.get(object_id=UUID(id_))
    former = FormerName.objects.get(identity=row, name=old)
    assert former.was_sign_in_name
    directory.change_user(id_, upn=old)
    world.read()
    assert not FormerName.objects.filter(identity=row, name=old).exists()
    assert FormerName.objects.filter(identity=row, name="married@contoso.example").count() in (0, 1)


def test_a_group_limits_what_is_read(begin: Begin) -> None:
    world = begin(80)
    directory = world.entra.directory(DIRECTORY)
    group = next(each for each in directory.memberships.present_groups() if each.inside)
    world.read()
    set_scope(world.tenant, group.id, actor=SYSTEM, now=world.now())
    for _ in range(2):
        world.read()
        inside = directory.memberships.downwards(group)
        scope = frozenset(each for one in inside for each in one.people if directory.is_present(each))
        assert 0 < len(scope) < 60
        assert world.differences(scope=scope) == []
        directory.memberships.part(group.id, next(iter(group.people)))
        newcomer = next(user.id for user in directory.present() if user.id not in scope)
        directory.memberships.join(group.id, newcomer)
    set_scope(world.tenant, "", actor=SYSTEM, now=world.now())
    world.read()
    assert world.differences() == []
