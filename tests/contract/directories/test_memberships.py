"""What every directory tells of groups and roles."""

from __future__ import annotations

from uuid import UUID

from emberwatch.directories.base import AccountFacts, Directory, DirectoryError, Membership, Memberships
from tests.contract.directories.worlds import (
    DIRECTORY_READERS,
    EUROPE,
    GROUPS,
    OPERATORS,
    ROLES,
    SALES,
    USER_ADMINISTRATOR,
    World,
)
from tests.unit.simulator.worlds import NOW


def account(directory: Directory, login: str) -> AccountFacts:
    found = directory.find_account(login).account
    assert found is not None
    return found


def memberships(world: World, login: str) -> set[Membership]:
    directory = world.directory()
    object_id = account(directory, login).object_id
    found = directory.read_memberships([object_id])[object_id]
    assert isinstance(found, Memberships)
    assert found.read_at == NOW
    return set(found.memberships)


def group(name: str, *, privileged: bool = False) -> Membership:
    return Membership(GROUPS[name], name, is_role=False, privileged=privileged)


def role(template: str, *, privileged: bool) -> Membership:
    return Membership(template, ROLES[template], is_role=True, privileged=privileged)


def test_groups_and_the_groups_around_them(world: World) -> None:
    assert memberships(world, "eve@corp.example") == {
        group(SALES),
        group(EUROPE),
        group(OPERATORS, privileged=True),
    }


def test_roles_by_their_template(world: World) -> None:
    assert memberships(world, "max@corp.example") == {role(USER_ADMINISTRATOR, privileged=True)}
    assert memberships(world, "lea@corp.example") == {role(DIRECTORY_READERS, privileged=False)}


def test_belonging_to_nothing_is_an_answer(world: World) -> None:
    assert memberships(world, "ann@corp.example") == set()


def test_many_accounts_at_once_and_one_that_is_not_there(world: World) -> None:
    directory = world.directory()
    logins = ("ann", "bob", "dis", "eve", "lea", "max", "mfa", "new", "nopass", "twin1", "twin2")
    known = [account(directory, f"{login}@corp.example").object_id for login in logins]
    missing = [UUID(int=number) for number in range(1, 15)]
    found = directory.read_memberships([*known, *missing, known[0]])
    assert list(found) == [*known, *missing]
    assert all(isinstance(found[each], Memberships) for each in known)
    assert all(isinstance(found[each], DirectoryError) for each in missing)
