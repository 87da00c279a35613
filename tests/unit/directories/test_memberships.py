"""Groups and roles of accounts, and which of them are privileged."""

from __future__ import annotations

from uuid import UUID, uuid5

import pytest

from emberwatch.directories.base import DirectoryBusy, DirectoryError, Membership, Memberships
from emberwatch.directories.entra.graph import Forbidden, NotInDirectory
from emberwatch.directories.entra.memberships import MOST_PAGES
from emberwatch.directories.entra.roles import harmless_roles, is_privileged
from tests.unit.directories.desk import GRAPH, Answers, Asked, Desk, Told, collection, refusal

ANN, BOB = uuid5(UUID(int=7), "ann"), uuid5(UUID(int=7), "bob")
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
SALES = str(UUID(int=42))
NO_PATH = refusal(400, "BadRequest", "Resource not found for the segment 'transitiveMemberOf'.")


def group(key: str = SALES, name: str | None = "Sales", assignable: bool | None = None) -> dict[str, object]:
    return {
        "@odata.type": "#microsoft.graph.group",
        "id": key,
        "displayName": name,
        "isAssignableToRole": assignable,
    }


def role(template: str | None, name: str | None = "A role") -> dict[str, object]:
    return {
        "@odata.type": "#microsoft.graph.directoryRole",
        "id": str(UUID(int=43)),
        "displayName": name,
        "roleTemplateId": template,
    }


def read(answers: Answers, *accounts: UUID) -> tuple[Desk, dict[UUID, Memberships | DirectoryError]]:
    desk = Desk(answers)
    return desk, dict(desk.directory().read_memberships(accounts or (ANN, BOB)))


def found(outcome: Memberships | DirectoryError) -> tuple[Membership, ...]:
    assert isinstance(outcome, Memberships), outcome
    return outcome.memberships


@pytest.mark.parametrize(
    ("item", "membership"),
    [
        (group(), Membership(SALES, "Sales", is_role=False, privileged=False)),
        (group(assignable=False), Membership(SALES, "Sales", is_role=False, privileged=False)),
        (group(assignable=True), Membership(SALES, "Sales", is_role=False, privileged=True)),
        (group(name=None), Membership(SALES, SALES, is_role=False, privileged=True)),
        (
            role(GLOBAL_ADMINISTRATOR.upper(), "Global Administrator"),
            Membership(GLOBAL_ADMINISTRATOR, "Global Administrator", is_role=True, privileged=True),
        ),
        (
            role(DIRECTORY_READERS, "Directory Readers"),
            Membership(DIRECTORY_READERS, "Directory Readers", is_role=True, privileged=False),
        ),
        (role(None, None), Membership(str(UUID(int=43)), str(UUID(int=43)), is_role=True, privileged=True)),
        ({"@odata.type": "#microsoft.graph.administrativeUnit", "id": SALES, "displayName": "North"}, None),
    ],
)
def test_what_an_item_says(item: dict[str, object], membership: Membership | None) -> None:
    _, outcome = read(lambda asked: collection(item))
    assert found(outcome[ANN]) == found(outcome[BOB]) == ((membership,) if membership else ())


def test_next_links_are_followed_to_the_end_for_each_account() -> None:
    def answers(asked: Asked) -> Told:
        page = int(asked.query.get("$skiptoken", "0"))
        last = 3 if str(ANN) in asked.path else 1
        link = f"{GRAPH}/v1.0{asked.path}?$skiptoken={page + 1}" if page < last else ""
        return collection(group(str(UUID(int=page))), next_link=link)

    desk, outcome = read(answers)
    assert [each.key for each in found(outcome[ANN])] == [str(UUID(int=page)) for page in range(4)]
    assert len(found(outcome[BOB])) == 2
    assert desk.batches == [2, 2]


def test_a_list_without_end_or_elsewhere_is_an_error() -> None:
    def answers(asked: Asked) -> Told:
        host = GRAPH if str(ANN) in asked.path else "https://elsewhere.example"
        return collection(next_link=f"{host}/v1.0{asked.path}?$skiptoken=1")

    desk, outcome = read(answers)
    assert isinstance(outcome[ANN], DirectoryError)
    assert isinstance(outcome[BOB], DirectoryError)
    assert len(desk.asked) == MOST_PAGES + 1


def test_twenty_accounts_go_into_a_batch() -> None:
    accounts = [UUID(int=number) for number in range(1, 42)]
    desk = Desk(lambda asked: collection(group()))
    outcome = desk.directory().read_memberships([*accounts, *accounts])
    assert list(outcome) == accounts
    assert desk.batches == [20, 20]
    assert len(desk.asked) == 41


@pytest.mark.parametrize(
    "refused", [NO_PATH, refusal(404, "NotFound"), refusal(400, "Request_UnsupportedQuery")]
)
def test_without_the_transitive_list_the_plain_one_is_read(refused: Told) -> None:
    desk, outcome = read(lambda asked: refused if "transitive" in asked.path else collection(group()))
    assert len(found(outcome[ANN])) == 1
    assert desk.asked[-1].path.endswith("/memberOf")


def test_a_query_that_needs_the_harder_form_is_asked_in_it() -> None:
    def answers(asked: Asked) -> Told:
        hard = asked.headers.get("consistencylevel") == "eventual" and asked.query.get("$count") == "true"
        return collection(group()) if hard else refusal(400, "Request_UnsupportedQuery")

    desk, outcome = read(answers)
    assert len(found(outcome[ANN])) == 1
    assert {asked.path.rpartition("/")[2] for asked in desk.asked} == {"transitiveMemberOf"}


def assignment(template: str) -> dict[str, object]:
    return {"id": "x", "principalId": str(ANN), "roleDefinitionId": template, "directoryScopeId": "/"}


def only_assignments(*templates: str) -> Answers:
    def answers(asked: Asked) -> Told:
        if asked.path != "/roleManagement/directory/roleAssignments":
            return refusal(403, "Authorization_RequestDenied")
        assert asked.query["$filter"] in {f"principalId eq '{each}'" for each in (ANN, BOB)}
        return collection(*(assignment(template) for template in templates))

    return answers


def test_the_last_resort_tells_of_roles_only_when_one_is_privileged() -> None:
    _, outcome = read(only_assignments(DIRECTORY_READERS, GLOBAL_ADMINISTRATOR))
    assert [(each.name, each.privileged) for each in found(outcome[ANN])] == [
        ("Directory Readers", False),
        (GLOBAL_ADMINISTRATOR, True),
    ]
    # Groups are not told there, so "no privileged role" would read like "in no group".
    for templates in ((), (DIRECTORY_READERS,)):
        _, outcome = read(only_assignments(*templates))
        assert isinstance(outcome[ANN], Forbidden)


def test_when_everything_is_refused_the_account_has_an_error() -> None:
    _, outcome = read(lambda asked: refusal(403, "Authorization_RequestDenied"))
    assert isinstance(outcome[ANN], Forbidden)


def test_an_error_of_one_account_spoils_no_other() -> None:
    def answers(asked: Asked) -> Told:
        gone = refusal(404, "Request_ResourceNotFound")
        return gone if str(ANN) in asked.path else collection(group())

    desk, outcome = read(answers)
    assert isinstance(outcome[ANN], NotInDirectory)
    assert len(found(outcome[BOB])) == 1
    assert len(desk.asked) == 2


def test_a_throttled_account_is_not_asked_in_another_way() -> None:
    desk, outcome = read(lambda asked: refusal(429, "TooManyRequests", Retry_After="60"))
    assert isinstance(outcome[ANN], DirectoryBusy)
    assert outcome[ANN].retry_after == 60.0  # type: ignore[union-attr]
    assert len(desk.asked) == 2


def test_only_roles_that_merely_read_are_harmless() -> None:
    assert set(harmless_roles().values()) == {
        "Directory Readers",
        "Message Center Privacy Reader",
        "Message Center Reader",
        "Reports Reader",
        "Usage Summary Reports Reader",
    }
    assert all(str(UUID(template)) == template for template in harmless_roles())
    assert is_privileged("")
    assert is_privileged(str(UUID(int=1)))
    assert not is_privileged(DIRECTORY_READERS.upper())
