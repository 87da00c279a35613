"""Other clients share the counter, the memory of wrong passwords and the locks with us."""

from __future__ import annotations

import pytest

from emberwatch.simulator import sign_in_as_others
from emberwatch.simulator.lockout import NOISE
from tests.unit.simulator.worlds import CLIENT_ID, PASSWORD, UPN, Lab, lab, user


def guess(world: Lab, *passwords: str) -> list[int]:
    return [sign_in_as_others(world.directory, UPN, password) for password in passwords]


def test_a_wrong_and_a_right_password() -> None:
    world = lab()
    assert guess(world, "a", "b") == [50126, 50126]
    assert world.user().lockout.failures == 2
    assert guess(world, PASSWORD) == [0]
    assert world.user().lockout.failures == 0


def test_a_wrong_value_that_we_have_tried_does_not_count_again_for_them() -> None:
    world = lab()
    world.sign_in("a")
    guess(world, "a", "a")
    assert world.user().lockout.failures == 1
    guess(world, "b", "c", "d", "a")
    assert world.user().lockout.failures == 5


def test_a_lock_names_everyone_who_had_a_part_in_it() -> None:
    world = lab(lockout_threshold=3)
    guess(world, "a", "b")
    assert world.sign_in("c").code == 50126
    assert world.sign_in("d").code == 50053
    (lock,) = world.world.locks
    assert set(lock.caused_by) == {NOISE, CLIENT_ID}
    assert world.world.locks_by([CLIENT_ID]) == [lock]
    assert world.world.locks_by_alone([CLIENT_ID]) == []


@pytest.mark.parametrize("ours", [True, False])
def test_a_lock_by_one_side_alone_is_told_apart(ours: bool) -> None:
    world = lab(lockout_threshold=3)
    for password in ("a", "b", "c"):
        if ours:
            world.sign_in(password)
        else:
            guess(world, password)
    assert len(world.world.locks_by_alone([CLIENT_ID])) == ours
    assert len(world.world.locks_by([CLIENT_ID])) == ours


def test_an_old_password_can_be_set_again_and_the_change_is_dated() -> None:
    world = lab(users=[user(previous_passwords=("Old-1",))])
    world.clock.advance(3600)
    world.directory.put_back_password(UPN, "Old-1")
    assert (world.sign_in("Old-1").code, world.sign_in(PASSWORD).code) == (0, 50126)
    shown = world.graph(f"/users/{UPN}?$select=lastPasswordChangeDateTime").body
    assert shown["lastPasswordChangeDateTime"] == "2026-05-04T13:00:00Z"
    with pytest.raises(ValueError, match="has not had"):
        world.directory.put_back_password(UPN, "never")


def test_a_block_of_our_address_does_not_stop_others() -> None:
    world = lab()
    world.world.sources_blocked = True
    assert world.sign_in().code == 50053
    assert guess(world, PASSWORD) == [0]
