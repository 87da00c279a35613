"""What every directory answers about accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from emberwatch.directories.base import Authentication, Directory, DirectoryError, Looked, Lookup
from tests.contract.directories.worlds import World
from tests.unit.simulator.worlds import NOW

Find = Callable[[Directory, str], Looked]


def one(directory: Directory, login: str) -> Looked:
    try:
        return directory.find_account(login)
    except DirectoryError as error:
        return error


def among_many(directory: Directory, login: str) -> Looked:
    others = [f"nobody{n}@corp.example" for n in range(25)]
    found = directory.find_accounts([*others[:12], login, *others[12:], login])
    assert list(found) == [*others[:12], login, *others[12:]]
    assert all(isinstance(found[other], Lookup) for other in others)
    return found[login]


@pytest.fixture(params=[one, among_many])
def find(request: pytest.FixtureRequest) -> Find:
    found: Find = request.param
    return found


@pytest.mark.parametrize(
    ("login", "found_by"),
    [
        ("ann@corp.example", "userPrincipalName"),
        ("ANN@Corp.Example", "userPrincipalName"),
        ("ann.mail@corp.example", "mail"),
        ("ann.alias@corp.example", "proxyAddresses"),
    ],
)
def test_a_login_finds_its_account(world: World, find: Find, login: str, found_by: str) -> None:
    looked = find(world.directory(), login)
    assert isinstance(looked, Lookup)
    account = looked.account
    assert account is not None
    assert (account.user_principal_name, account.found_by) == ("ann@corp.example", found_by)
    assert (account.enabled, account.external, account.synced) == (True, False, False)
    assert (looked.complete, looked.read_at, account.read_at) == (True, NOW, NOW)
    assert looked.searched[-1] == found_by


def test_what_is_told_of_an_account(world: World, find: Find) -> None:
    looked = find(world.directory(), "bob@corp.example")
    assert isinstance(looked, Lookup)
    assert looked.account is not None
    assert looked.account.last_password_change_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    disabled = find(world.directory(), "dis@corp.example")
    assert isinstance(disabled, Lookup)
    assert disabled.account is not None
    assert disabled.account.enabled is False


def test_a_guest_is_external(world: World, find: Find) -> None:
    looked = find(world.directory(), "gus@home.example")
    assert isinstance(looked, Lookup)
    assert looked.account is not None
    assert looked.account.external


@pytest.mark.parametrize(
    "login", ["nobody@corp.example", "o'neil@corp.example", "a#b&c@corp.example", "no at sign"]
)
def test_a_missing_account_was_searched_for_everywhere(world: World, find: Find, login: str) -> None:
    looked = find(world.directory(), login)
    assert isinstance(looked, Lookup)
    assert (looked.account, looked.complete, looked.deleted_at) == (None, True, None)
    assert looked.searched == ("userPrincipalName", "mail", "proxyAddresses")


def test_a_deleted_account_is_missing_with_its_date(world: World, find: Find) -> None:
    looked = find(world.directory(), "old@corp.example")
    assert isinstance(looked, Lookup)
    assert looked.account is None
    assert looked.deleted_at == datetime(2026, 4, 20, 7, 0, tzinfo=UTC)


def test_of_two_accounts_for_a_login_none_is_chosen(world: World, find: Find) -> None:
    looked = find(world.directory(), "twin@corp.example")
    assert isinstance(looked, Lookup)
    assert looked.account is None
    assert len({each.object_id for each in looked.candidates}) == 2


def test_domains(world: World) -> None:
    domains = {domain.name: domain for domain in world.directory().read_domains() if domain.is_verified}
    assert {name: domain.authentication for name, domain in domains.items()} == {
        "corp.example": Authentication.MANAGED,
        "fed.example": Authentication.FEDERATED,
    }


def test_a_good_connection_has_no_fault(world: World) -> None:
    report = world.directory().check(["corp.example"])
    assert report.fault is None
    assert report.policy is not None
    assert report.policy.lockout_threshold == 4
