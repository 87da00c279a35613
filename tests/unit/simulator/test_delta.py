from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from emberwatch.simulator import DeltaScenario, GroupScenario, UserScenario, stable_id
from tests.unit.simulator.rounds import Follower, below
from tests.unit.simulator.worlds import NOW, ORIGIN, UPN, Lab, app, lab, many_users, user

USERS = "/users/delta?$select=displayName,accountEnabled,jobTitle"
ANN = stable_id(UPN)
BEA = UserScenario(upn="bea@corp.example", mail="bea@corp.example")
WEEK = 7 * 24 * 3600


def world(count: int = 25, **rules: Any) -> Lab:
    return lab(users=many_users(count), delta=DeltaScenario(**{"page": 10, **rules}))


def name(number: int) -> str:
    return f"user{number:04}@corp.example"


def ids(told: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in told]


def test_the_first_round_tells_everybody_once_page_by_page() -> None:
    follower = Follower(world(), USERS)
    assert ids(follower.round()) == [stable_id(name(n)) for n in range(25)]
    assert follower.pages == 3
    assert set(follower.told[0]) == {"id", "displayName", "accountEnabled"}


def test_a_round_without_changes_is_empty_and_can_be_asked_again() -> None:
    follower = Follower(world(), USERS)
    follower.round()
    for _ in range(2):
        assert follower.round() == []
        assert "$deltatoken=" in follower.next


def test_a_later_round_tells_only_what_changed() -> None:
    entra = world()
    follower = Follower(entra, USERS)
    follower.round()
    directory = entra.directory
    directory.change_user(name(3), enabled=False)
    directory.change_user(name(4), deleted=NOW)
    directory.change_user(name(5), mail="elsewhere@corp.example")
    directory.change_user(name(6), mfa="required")
    added = directory.add_user(BEA)
    assert follower.round() == [
        {"id": stable_id(name(3)), "displayName": "user0003", "accountEnabled": False},
        {"id": stable_id(name(4)), "@removed": {"reason": "changed"}},
        {"id": added.id, "displayName": "bea", "accountEnabled": True},
    ]
    assert follower.round() == []


def test_deleted_restored_and_gone() -> None:
    entra = world(3)
    follower = Follower(entra, USERS)
    follower.round()
    target = stable_id(name(1))
    entra.directory.change_user(target, deleted=NOW)
    assert follower.round() == [{"id": target, "@removed": {"reason": "changed"}}]
    entra.directory.change_user(target, deleted=None)
    assert follower.round() == [{"id": target, "displayName": "user0001", "accountEnabled": True}]
    entra.directory.change_user(target, deleted=NOW)
    entra.directory.purge_user(target)
    assert follower.round() == [{"id": target, "@removed": {"reason": "deleted"}}]
    assert entra.graph(f"/directory/deletedItems/{target}").status == 404


def test_a_renamed_user_keeps_the_id() -> None:
    entra = world(3)
    follower = Follower(entra, "/users/delta?$select=userPrincipalName")
    follower.round()
    entra.directory.change_user(name(1), upn="renamed@corp.example")
    assert follower.round() == [{"id": stable_id(name(1)), "userPrincipalName": "renamed@corp.example"}]
    with pytest.raises(ValueError, match="another account"):
        entra.directory.change_user(name(2), upn="Renamed@corp.example")


def test_minimal_answers_hold_only_what_changed_and_emptied_properties_are_told_as_null() -> None:
    entra = world(3)
    follower = Follower(entra, USERS)
    follower.round()
    entra.directory.change_user(name(1), properties={"jobTitle": "Baker"})
    target = {"id": stable_id(name(1))}
    assert follower.round(prefer="return=minimal") == [{**target, "jobTitle": "Baker"}]
    entra.directory.change_user(name(1), properties={})
    assert follower.round() == [
        {**target, "displayName": "user0001", "accountEnabled": True, "jobTitle": None}
    ]
    applied = entra.graph(follower.next, prefer="return=minimal").headers["Preference-Applied"]
    assert applied == "return=minimal"


def test_from_now_on() -> None:
    entra = world()
    answer = entra.graph(f"{USERS}&$deltatoken=latest").body
    assert answer["value"] == []
    follower = Follower(entra, "", next=below(answer["@odata.deltaLink"]))
    entra.directory.change_user(name(3), enabled=False)
    assert ids(follower.round()) == [stable_id(name(3))]


def test_named_users_only() -> None:
    entra = world()
    text = f"id eq '{stable_id(name(3))}' or id eq '{stable_id(name(9))}'"
    follower = Follower(entra, f"{USERS}&$filter={quote(text)}")
    assert ids(follower.round()) == [stable_id(name(3)), stable_id(name(9))]
    for number in (3, 4):
        entra.directory.change_user(name(number), enabled=False)
    assert ids(follower.round()) == [stable_id(name(3))]


def test_what_happens_in_the_middle_of_a_round_is_not_lost() -> None:
    entra = world()
    first = entra.graph(USERS).body
    for number in (2, 15):
        entra.directory.change_user(name(number), enabled=False)
    entra.directory.change_user(name(22), deleted=NOW)
    follower = Follower(entra, "", next=below(first["@odata.nextLink"]))
    follower.round()
    follower.round()
    assert ids(follower.told) == [stable_id(name(n)) for n in (2, 15, 22)]
    assert stable_id(name(22)) not in follower.objects


def test_changes_in_the_middle_of_a_round_of_changes_are_told_in_the_next_one() -> None:
    entra = world(page=2)
    follower = Follower(entra, USERS)
    follower.round()
    for number in range(5):
        entra.directory.change_user(name(number), enabled=False)
    page = entra.graph(follower.next).body
    entra.directory.change_user(name(4), display_name="Changed again")
    follower.next = below(page["@odata.nextLink"])
    assert ids(follower.round()) == [stable_id(name(n)) for n in (2, 3, 4)]
    assert follower.round(prefer="return=minimal") == [
        {"id": stable_id(name(4)), "displayName": "Changed again"}
    ]


def test_managers_are_told_as_links() -> None:
    entra = lab(users=[user(manager=BEA.upn), BEA])
    bea = {"@odata.type": "#microsoft.graph.user", "id": stable_id(BEA.upn)}
    follower = Follower(entra, "/users/delta?$select=id,manager")
    assert follower.round() == [{"id": ANN, "manager@delta": [bea]}, {"id": stable_id(BEA.upn)}]
    removed = [{**bea, "@removed": {"reason": "deleted"}}]
    entra.directory.change_user(UPN, manager=None)
    assert follower.round() == [{"id": ANN, "manager@delta": removed}]
    entra.directory.change_user(UPN, manager=BEA.upn)
    assert follower.round() == [{"id": ANN, "manager@delta": [bea]}]
    entra.directory.change_user(BEA.upn, deleted=NOW)
    told = {item["id"]: item for item in follower.round()}
    assert told[ANN] == {"id": ANN, "manager@delta": removed}


def grouped(**rules: Any) -> Lab:
    people = tuple(name(n) for n in range(5))
    groups = (
        GroupScenario(display_name="All", members=people, groups=("Few",)),
        GroupScenario(display_name="Few", members=people[:1]),
        GroupScenario(display_name="Empty"),
    )
    return lab(users=many_users(6), groups=groups, delta=DeltaScenario(**rules))


ALL, FEW = stable_id("group All"), stable_id("group Few")


@pytest.mark.parametrize("links", [2, 3, 100])
def test_groups_are_told_with_their_members_however_many_there_are(links: int) -> None:
    entra = grouped(links=links)
    follower = Follower(entra, "/groups/delta?$select=displayName,members", link="members")
    follower.round()
    assert follower.links[ALL] == {*(stable_id(name(n)) for n in range(5)), FEW}
    assert ids(follower.told).count(ALL) == -(-6 // links)
    assert follower.told[-1] == {"id": stable_id("group Empty"), "displayName": "Empty"}


def test_members_who_join_leave_are_deleted_and_come_back() -> None:
    entra = grouped()
    follower = Follower(entra, "/groups/delta", link="members")
    follower.round()
    known = entra.directory.memberships
    known.join(FEW, stable_id(name(5)))
    known.part(FEW, stable_id(name(0)))
    (told,) = follower.round()
    assert told["members@delta"] == [
        {"@odata.type": "#microsoft.graph.user", "id": stable_id(name(5))},
        {"@odata.type": "#microsoft.graph.user", "id": stable_id(name(0)), "@removed": {"reason": "deleted"}},
    ]
    entra.directory.change_user(name(1), deleted=NOW)
    follower.round()
    assert stable_id(name(1)) not in follower.links[ALL]
    entra.directory.change_user(stable_id(name(1)), deleted=None)
    follower.round()
    assert stable_id(name(1)) in follower.links[ALL]


def test_groups_that_are_made_renamed_deleted_and_restored() -> None:
    entra = grouped()
    follower = Follower(entra, "/groups/delta?$select=displayName,members", link="members")
    follower.round()
    known = entra.directory.memberships
    made = known.add_group(GroupScenario(display_name="New"))
    known.join(made.id, stable_id(name(1)))
    known.change_group(FEW, display_name="Fewer")
    told = {item["id"]: item for item in follower.round()}
    assert told[made.id]["displayName"] == "New"
    assert told[FEW] == {"id": FEW, "displayName": "Fewer"}
    known.delete_group(FEW, NOW)
    told = {item["id"]: item for item in follower.round()}
    assert told[FEW] == {"id": FEW, "@removed": {"reason": "changed"}}
    assert FEW not in follower.links[ALL]
    known.restore_group(FEW)
    follower.round()
    assert (follower.links[FEW], FEW in follower.links[ALL]) == ({stable_id(name(0))}, True)
    known.delete_group(FEW, NOW)
    known.purge_group(FEW)
    told = {item["id"]: item for item in follower.round()}
    assert told[FEW]["@removed"] == {"reason": "deleted"}


def test_repeated_shuffled_and_empty_pages_come_to_the_same_truth() -> None:
    entra = world(60, repeats=0.5, shuffled=True, empty_pages=0.5, removed_at_first=True)
    entra.directory.change_user(name(59), deleted=NOW)
    follower = Follower(entra, USERS)
    follower.round()
    assert len(follower.told) > 70
    assert ids(follower.told[:9]) != [stable_id(name(n)) for n in range(9)]
    assert any("@removed" in item for item in follower.told)
    assert follower.pages > 6
    assert follower.objects.keys() == {stable_id(name(n)) for n in range(59)}
    repeats = 0
    for number in range(40):
        entra.directory.change_user(name(number), enabled=False)
        repeats += len(follower.round()) - 1
        assert follower.objects[stable_id(name(number))]["accountEnabled"] is False
    assert repeats > 0


def test_a_page_that_is_asked_for_again_is_the_same() -> None:
    entra = world(60, repeats=0.5, shuffled=True)
    link = below(entra.graph(USERS).body["@odata.nextLink"])
    first, again = entra.graph(link).body["value"], entra.graph(link).body["value"]
    assert first == again


def ended(entra: Lab, link: str) -> tuple[int, str, str]:
    answer = entra.graph(link)
    return answer.status, answer.error, below(answer.headers.get("Location", ""))


def test_a_token_ends_after_its_time() -> None:
    entra = world()
    follower = Follower(entra, USERS)
    follower.round()
    entra.clock.advance(WEEK)
    assert entra.graph(follower.next).status == 200
    entra.clock.advance(1)
    start = "/users/delta?$deltatoken=&$select=displayName,accountEnabled,jobTitle"
    assert ended(entra, follower.next) == (410, "syncStateNotFound", start)
    again = Follower(entra, start)
    again.round()
    assert len(again.objects) == 25


def test_each_round_gives_a_token_that_lives_anew() -> None:
    follower = Follower(world(), USERS)
    for _ in range(4):
        follower.round()
        follower.lab.clock.advance(WEEK)


def test_the_other_ways_in_which_tokens_end() -> None:
    plain = world(expired_status=400, page_lifetime_seconds=60)
    follower = Follower(plain, USERS)
    page = below(plain.graph(USERS).body["@odata.nextLink"])
    follower.round()
    plain.clock.advance(61)
    assert ended(plain, page) == (400, "Directory_ExpiredPageToken", "")
    assert plain.graph(follower.next).status == 200
    plain.clock.advance(WEEK)
    assert ended(plain, follower.next) == (400, "syncStateNotFound", "")
    follower = Follower(plain, USERS)
    follower.round()
    plain.directory.reset_delta()
    assert ended(plain, follower.next)[:2] == (410, "resyncRequired")


def test_a_token_of_an_earlier_run_is_unknown() -> None:
    follower = Follower(world(), USERS)
    follower.round()
    assert ended(world(), follower.next) == (410, "syncStateNotFound", "/users/delta?$deltatoken=")


REFUSED = [
    ("/users/delta?$select=id,signInActivity", "BadRequest"),
    ("/users/delta?$select=shoeSize", "BadRequest"),
    ("/users/delta?$select=members", "BadRequest"),
    ("/users/delta?$top=5", "Request_UnsupportedQuery"),
    ("/users/delta?$expand=manager", "Request_UnsupportedQuery"),
    ("/users/delta?$orderby=displayName", "Request_UnsupportedQuery"),
    ("/users/delta?$bogus=1", "BadRequest"),
    ("/users/delta?$filter=mail%20eq%20'x'", "Request_UnsupportedQuery"),
    ("/users/delta?$deltatoken=rubbish", "BadRequest"),
    (f"/users/delta?$deltatoken={base64.urlsafe_b64encode(b'x' * 40).decode()}", "BadRequest"),
    ("/groups/delta?$deltatoken={token}", "BadRequest"),
    ("/users/delta?$deltatoken={token}&$select=id", "BadRequest"),
    (
        "/users/delta?$filter=" + quote(" or ".join(f"id eq '{n}'" for n in range(51))),
        "Request_UnsupportedQuery",
    ),
]


@pytest.mark.parametrize(("target", "code"), REFUSED)
def test_what_delta_queries_do_not_offer(target: str, code: str) -> None:
    entra = world()
    follower = Follower(entra, USERS)
    follower.round()
    token = follower.next.rpartition("=")[2]
    assert entra.graph(target.replace("{token}", token)).error == code
    assert entra.graph(f"/users/delta?$deltatoken={token}").status == 200


def test_a_kind_of_directory_without_delta_queries() -> None:
    assert world(refused=True).graph("/users/delta").error == "Request_UnsupportedQuery"


def test_the_basic_permission_is_not_enough_to_track_users() -> None:
    entra = lab(apps=[app(granted_roles=("User.ReadBasic.All",))])
    assert entra.graph("/users").status == 200
    assert entra.graph("/users/delta").error == "Authorization_RequestDenied"


@pytest.mark.parametrize(
    "path", ["/users/microsoft.graph.delta", "/users/delta()", "/users/microsoft.graph.delta()"]
)
def test_the_other_spellings(path: str) -> None:
    body = world(3).graph(path).body
    assert len(body["value"]) == 3
    assert body["@odata.deltaLink"].startswith(f"{ORIGIN}/v1.0/users/delta?$deltatoken=")
