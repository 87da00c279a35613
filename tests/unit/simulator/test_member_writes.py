"""Letting accounts join and leave groups through Graph."""

from __future__ import annotations

from typing import Any

import pytest

from emberwatch.simulator import GroupScenario, stable_id
from tests.unit.simulator.worlds import NOW, ORIGIN, UPN, Answer, Lab, a_guid, app, lab, user

BOB = "bob@corp.example"
ANN_ID, BOB_ID = stable_id(UPN), stable_id(BOB)
READ, WRITE, ROLES = "Directory.Read.All", "GroupMember.ReadWrite.All", "RoleManagement.ReadWrite.Directory"
CREW, INSIDE = stable_id("group Crew"), stable_id("group Inside")


def world(*roles: str, **changes: Any) -> Lab:
    groups = (
        GroupScenario(display_name="Crew", members=(UPN,), **changes),
        GroupScenario(display_name="Inside"),
    )
    return lab(
        users=[user(), user(upn=BOB, mail=BOB)],
        apps=[app(granted_roles=(READ, WRITE, *roles))],
        groups=groups,
    )


def reference(object_id: str, kind: str = "directoryObjects") -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/{kind}/{object_id}"}


def join(own: Lab, member: str, group: str = CREW) -> Answer:
    return own.post(f"/groups/{group}/members/$ref", reference(member))


def part(own: Lab, member: str, group: str = CREW) -> Answer:
    return own.write("DELETE", f"/groups/{group}/members/{member}/$ref")


def members(own: Lab) -> set[str]:
    return {row["id"] for row in own.graph(f"/groups/{CREW}/members").body["value"]}


def test_joining_and_leaving_show_in_the_group_and_in_its_changes() -> None:
    own = world()
    link = own.graph("/groups/delta").body["@odata.deltaLink"]
    assert (join(own, BOB_ID).status, part(own, ANN_ID).status) == (204, 204)
    assert join(own, INSIDE).status == 204
    assert members(own) == {BOB_ID, INSIDE}
    (group,) = own.graph(link.removeprefix(f"{ORIGIN}/v1.0")).body["value"]
    told = {row["id"]: "@removed" not in row for row in group["members@delta"]}
    assert told == {BOB_ID: True, ANN_ID: False, INSIDE: True}


def test_whoever_is_a_member_cannot_be_added_and_who_is_not_cannot_be_removed() -> None:
    own = world()
    refused = join(own, ANN_ID)
    assert (refused.status, refused.error) == (400, "Request_BadRequest")
    assert refused.body["error"]["message"] == (
        "One or more added object references already exist for the following modified properties: 'members'."
    )
    assert (part(own, BOB_ID).status, part(own, BOB_ID).error) == (404, "Request_ResourceNotFound")
    assert members(own) == {ANN_ID}


def test_what_is_not_there_cannot_be_written() -> None:
    own = world()
    own.directory.change_user(BOB, deleted=NOW)
    for answer in (join(own, a_guid()), join(own, BOB_ID), join(own, BOB_ID, a_guid()), part(own, a_guid())):
        assert answer.status == 404
    assert join(own, CREW).status == 400
    own.directory.memberships.delete_group(INSIDE, NOW)
    assert join(own, INSIDE).status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"@odata.id": 1},
        {"@odata.id": BOB_ID},
        reference(BOB_ID, "devices"),
        {"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/bob"},
        {**reference(BOB_ID), "id": BOB_ID},
    ],
)
def test_a_reference_that_is_none(body: object) -> None:
    own = world()
    refused = own.post(f"/groups/{CREW}/members/$ref", body)
    assert (refused.status, refused.error) == (400, "Request_BadRequest")
    assert own.post(f"/groups/{CREW}/members/$ref", reference(BOB_ID, "users")).status == 204


def test_a_group_for_roles_needs_one_more_permission() -> None:
    for roles, status in (((), 403), ((ROLES,), 204)):
        own = world(*roles, assignable_to_role=True)
        assert (join(own, BOB_ID).status, part(own, ANN_ID).status) == (status, status)


@pytest.mark.parametrize("kind", ["synced", "dynamic"])
def test_groups_whose_members_are_decided_elsewhere(kind: str) -> None:
    own = world(**{kind: True})
    assert (join(own, BOB_ID).status, part(own, ANN_ID).status) == (400, 400)
    assert members(own) == {ANN_ID}
    assert own.graph(f"/groups/{CREW}").body["groupTypes"] == ["DynamicMembership"][: kind == "dynamic"]


def delayed() -> Lab:
    crew = GroupScenario(display_name="Crew", members=(UPN,))
    return lab(
        users=[user(), user(upn=BOB, mail=BOB)],
        apps=[app(granted_roles=(READ, WRITE))],
        groups=(crew,),
        write_delay_seconds=30,
    )


def test_members_lag_behind_in_reads_but_not_for_whoever_writes() -> None:
    own = delayed()
    link = own.graph("/groups/delta").body["@odata.deltaLink"].removeprefix(f"{ORIGIN}/v1.0")
    assert (join(own, BOB_ID).status, part(own, ANN_ID).status) == (204, 204)
    assert (join(own, BOB_ID).status, part(own, ANN_ID).status) == (400, 404)
    assert (members(own), own.graph(link).body["value"]) == ({ANN_ID}, [])
    own.clock.advance(30)
    assert members(own) == {BOB_ID}
    assert len(own.graph(link).body["value"]) == 1
    assert (join(own, BOB_ID).status, part(own, BOB_ID).status) == (400, 204)


def test_a_group_that_is_removed_meanwhile() -> None:
    own = delayed()
    assert join(own, BOB_ID).status == 204
    own.directory.memberships.delete_group(CREW, NOW)
    own.directory.memberships.purge_group(CREW)
    own.clock.advance(30)
    assert own.graph("/groups").body["value"] == []
