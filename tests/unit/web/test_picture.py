"""The picture of what an account opens: it says what the table says, as much of it as can be read."""

from __future__ import annotations

from uuid import UUID, uuid4

from emberwatch.identities.reach import Kind, Opened, Reach
from emberwatch.web.picture import MOST, PERSON, picture_of


def opened(kind: Kind, name: str, *, via: Opened | None = None, privileged: bool = False) -> Opened:
    via_id: UUID | None = via.object_id if via else None
    return Opened(kind, uuid4(), name, privileged, via=via_id, via_name=via.name if via else "")


def nodes(reach: Reach) -> dict[str, dict[str, object]]:
    return {str(node["name"]): node for node in picture_of("Ann", reach)["nodes"]}


def links(reach: Reach) -> set[tuple[str, str]]:
    drawn = picture_of("Ann", reach)
    names = {node["id"]: str(node["name"]) for node in drawn["nodes"]}
    return {(names[link["from"]], names[link["to"]]) for link in drawn["links"]}


def test_everything_hangs_on_what_gives_it() -> None:
    staff = opened(Kind.GROUP, "Staff")
    firm = opened(Kind.GROUP, "Firm", via=staff)
    reach = Reach(
        (
            opened(Kind.ROLE, "Global Administrator", via=firm, privileged=True),
            opened(Kind.ROLE, "Directory Readers"),
            opened(Kind.APPLICATION, "Payroll", via=staff),
            staff,
            firm,
        )
    )
    assert links(reach) == {
        ("Ann", "Staff"),
        ("Staff", "Firm"),
        ("Firm", "Global Administrator"),
        ("Ann", "Directory Readers"),
        ("Staff", "Payroll"),
    }
    columns = {name: node["column"] for name, node in nodes(reach).items()}
    assert columns == {
        "Ann": 0,
        "Staff": 1,
        "Firm": 2,
        "Global Administrator": 3,
        "Directory Readers": 3,
        "Payroll": 3,
    }
    assert [name for name, node in nodes(reach).items() if node["privileged"]] == ["Global Administrator"]


def test_without_groups_in_groups_there_is_no_empty_column() -> None:
    reach = Reach((opened(Kind.ROLE, "Reader"), opened(Kind.APPLICATION, "Wiki")))
    assert {node["column"] for node in nodes(reach).values()} == {0, 1}


def test_thousands_stay_readable_and_nothing_is_hidden() -> None:
    groups = [opened(Kind.GROUP, f"Group {number:04}") for number in range(3000)]
    last = groups[-1]
    role = opened(Kind.ROLE, "Global Administrator", via=last, privileged=True)
    applications = [opened(Kind.APPLICATION, f"App {number}", via=groups[number]) for number in range(40)]
    found = nodes(Reach((role, *applications, *groups)))
    for kind in Kind:
        assert sum(node["kind"] == kind for node in found.values()) <= MOST[kind]
    # The group that gives the privileged role is shown, wherever it stands in the table.
    assert last.name in found
    assert {"and 2,990 more groups", "and 30 more applications"} <= set(found)
    drawn = links(Reach((role, *applications, *groups)))
    assert (last.name, role.name) in drawn
    assert {giver for giver, _ in drawn} <= set(found)


def test_a_group_that_is_inside_of_itself_ends_nothing() -> None:
    one, other = uuid4(), uuid4()
    ring = (
        Opened(Kind.GROUP, one, "One", False, via=other, via_name="Other"),
        Opened(Kind.GROUP, other, "Other", False, via=one, via_name="One"),
    )
    assert len(picture_of("Ann", Reach(ring))["nodes"]) == 3


def test_an_empty_reach_is_the_person_alone() -> None:
    drawn = picture_of("Ann", Reach(()))
    assert ([node["id"] for node in drawn["nodes"]], drawn["links"]) == ([PERSON], [])
