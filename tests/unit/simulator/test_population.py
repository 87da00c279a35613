from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emberwatch.simulator import DeltaScenario, PopulationScenario, ScenarioError
from emberwatch.simulator.churn import churn, truth
from tests.unit.simulator.rounds import Follower
from tests.unit.simulator.worlds import UPN, Lab, lab, user

MANY = PopulationScenario(count=300, domain="corp.example", groups=8, group_size=5)
SELECT = ("id", "userPrincipalName", "mail", "otherMails", "displayName", "accountEnabled", "jobTitle")
CALM = DeltaScenario(page=40, links=50)
ROUGH = replace(CALM, repeats=0.3, shuffled=True, empty_pages=0.3, removed_at_first=True)


def crowded(rules: DeltaScenario = CALM, **changes: Any) -> Lab:
    return lab(users=[user()], population=replace(MANY, **changes), delta=rules)


def test_a_population_is_the_same_for_the_same_seed() -> None:
    first, again, other = crowded(), crowded(), crowded(seed=1)
    assert truth(first.directory, SELECT) == truth(again.directory, SELECT)
    assert truth(first.directory, SELECT) != truth(other.directory, SELECT)


def test_a_population_has_all_kinds_of_accounts() -> None:
    world = crowded()
    held = truth(world.directory, (*SELECT, "userType", "onPremisesSyncEnabled"))
    assert len(held["users"]) == 301
    for name, values in (
        ("accountEnabled", {True, False}),
        ("userType", {"Member", "Guest"}),
        ("onPremisesSyncEnabled", {True, None}),
    ):
        assert {each[name] for each in held["users"].values()} == values
    sizes = sorted(len(group["members"]) for group in held["groups"].values())
    assert (len(sizes), sizes[-1]) == (8, 120)
    assert len(held["roles"]) == 3
    assert len(held["managers"]) == 299
    assert world.graph(f"/users/{UPN}").status == 200


def test_the_first_round_takes_the_fewest_requests() -> None:
    world = crowded(replace(CALM, page=43))
    follower = Follower(world, "/users/delta?$select=id")
    follower.round()
    assert world.journal.counts()["graph:users delta"] == {"200": 7}
    churn(world.directory, 10)
    follower.round()
    assert world.journal.counts()["graph:users delta"] == {"200": 8}


@pytest.mark.parametrize("rules", [CALM, ROUGH], ids=["calm", "rough"])
@pytest.mark.parametrize("seed", range(4))
def test_whoever_follows_the_rounds_holds_the_truth(rules: DeltaScenario, seed: int) -> None:
    world = crowded(replace(rules))
    people = Follower(world, f"/users/delta?$select={','.join(SELECT)},manager")
    groups = Follower(world, "/groups/delta?$select=displayName,members", link="members")
    for number in range(5):
        people.round()
        groups.round()
        held = truth(world.directory, SELECT)
        shown = {key: {name: own.get(name) for name in SELECT} for key, own in people.objects.items()}
        assert shown == held["users"]
        assert {key: links for key, links in people.links.items() if links} == {
            key: {manager} for key, manager in held["managers"].items()
        }
        assert groups.objects.keys() == held["groups"].keys()
        for key, group in held["groups"].items():
            assert groups.links.get(key, set()) == set(group["members"])
        churn(world.directory, 60, seed=10 * seed + number)


def test_changes_between_the_pages_of_a_round_are_not_lost() -> None:
    world = crowded(ROUGH)
    people = Follower(world, f"/users/delta?$select={','.join(SELECT)},manager")
    groups = Follower(world, "/groups/delta?$select=displayName,members", link="members")
    seeds = iter(range(10_000))
    for _ in range(4):
        for follower in (people, groups):
            for _page in follower.pages_of_a_round():
                churn(world.directory, 3, seed=next(seeds))
    people.round()
    groups.round()
    held = truth(world.directory, SELECT)
    assert {key: {name: own.get(name) for name in SELECT} for key, own in people.objects.items()} == held[
        "users"
    ]
    assert {k: v for k, v in people.links.items() if v} == {k: {m} for k, m in held["managers"].items()}
    assert {key: sorted(groups.links.get(key, ())) for key in groups.objects} == {
        key: group["members"] for key, group in held["groups"].items()
    }


def test_a_churn_says_what_it_did() -> None:
    world = crowded()
    before = truth(world.directory, SELECT)
    done = churn(world.directory, 200, seed=5)
    assert done.done.total() == 200
    assert len(done.done) == 8
    after = truth(world.directory, SELECT)
    touched = {
        key
        for key in before["users"].keys() | after["users"].keys()
        if before["users"].get(key) != after["users"].get(key)
    }
    assert touched <= done.users
    moved = {key for key in after["groups"] if after["groups"][key] != before["groups"][key]}
    gone = set(before["users"]) - set(after["users"])
    assert all(key in done.groups or gone & set(before["groups"][key]["members"]) for key in moved)


def test_a_directory_without_anybody_can_only_grow() -> None:
    assert churn(lab(users=()).directory, 1).done == {"add": 1}


def test_a_population_needs_a_domain_of_the_directory() -> None:
    with pytest.raises(ScenarioError, match=r"population\.domain: it is not one of"):
        crowded(domain="elsewhere.example")
