"""What every directory that offers them tells of leak detections and failed sign-ins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from emberwatch.core.secret import Secret
from emberwatch.directories.base import AccountFacts, Directory, LeakDetector, NotOffered, SignInLog
from tests.contract.directories.worlds import LEAKED, LEAKED_AGAIN, FullDirectory, World
from tests.unit.simulator.worlds import CLIENT_ID, NOW


def account(directory: Directory, login: str) -> AccountFacts:
    found = directory.find_account(login).account
    assert found is not None
    return found


def test_detections_of_the_wanted_accounts_newest_first(world: World) -> None:
    directory = world.directory()
    assert isinstance(directory, LeakDetector)
    eve, lea, ann = (account(directory, f"{name}@corp.example").object_id for name in ("eve", "lea", "ann"))
    found = directory.leak_detections([eve])
    assert [(each.object_id, each.detected_at) for each in found] == [(eve, LEAKED_AGAIN), (eve, LEAKED)]
    assert len({each.detection_id for each in directory.leak_detections({eve, lea, ann})}) == 3
    assert directory.leak_detections([ann]) == ()


def test_the_log_holds_our_failures_and_those_of_others(world: World) -> None:
    directory = world.directory()
    assert isinstance(directory, SignInLog)
    ann, request_id = account(directory, "ann@corp.example"), uuid4()
    world.wrong_by_others("bob@corp.example", "Guessed-long-ago")
    world.advance(timedelta(hours=2))
    directory.sign_in(ann, Secret("Wrong-1"), request_id)
    directory.sign_in(account(directory, "mfa@corp.example"), Secret("Right-Passw0rd"), uuid4())
    world.wrong_by_others("bob@corp.example", "Guessed-now")
    rows = list(directory.failed_sign_ins(NOW + timedelta(hours=1)))
    ours = [row for row in rows if row.client_id == UUID(CLIENT_ID)]
    assert [(row.object_id, row.correlation_id) for row in ours] == [(ann.object_id, str(request_id))]
    assert {row.object_id for row in rows} == {
        ann.object_id,
        account(directory, "bob@corp.example").object_id,
    }
    assert all(row.at >= NOW + timedelta(hours=1) for row in rows)
    assert len(rows) == 2
    assert len(list(directory.failed_sign_ins(NOW - timedelta(hours=1)))) == 3


@pytest.mark.parametrize(
    "ask", [lambda d: d.leak_detections([UUID(int=1)]), lambda d: d.failed_sign_ins(NOW)]
)
def test_without_permission_it_is_not_offered(
    bare_world: World, world: World, ask: Callable[[FullDirectory], object]
) -> None:
    ask(world.directory())
    with pytest.raises(NotOffered, match="lacks the permission"):
        ask(bare_world.directory())
