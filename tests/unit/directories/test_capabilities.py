"""What the application may do and holds too much of, from its permissions alone."""

from __future__ import annotations

import pytest

from emberwatch.directories.base import CapabilityState, DirectoryBusy, NotOffered
from emberwatch.directories.entra.abilities import ABILITIES, LEAK_DETECTIONS, SIGN_IN_LOG
from emberwatch.directories.entra.capabilities import BASE, READS_ALL, USED, judge, risk_of, surplus_of
from emberwatch.directories.entra.faults import NOT_PREMIUM

GRANTED, MISSING = CapabilityState.GRANTED, CapabilityState.MISSING


def states(*roles: str) -> dict[str, CapabilityState]:
    return {found.name: found.state for found in judge(roles, {})}


def test_one_permission_grants_all_that_is_required() -> None:
    found = states(READS_ALL)
    assert {found[row.name] for row in BASE} == {GRANTED}
    assert {found[row.name] for row in ABILITIES} == {MISSING}


def test_without_any_permission_everything_is_missing() -> None:
    assert set(states().values()) == {MISSING}
    assert all(row.permission == READS_ALL for row in judge((), {}) if row.required)


def test_the_least_permission_grants_its_own_row_and_no_other() -> None:
    found = states("User.Read.All")
    assert {name for name, state in found.items() if state is GRANTED} == {"Accounts", "Deleted accounts"}


@pytest.mark.parametrize("row", [*BASE, *ABILITIES], ids=lambda row: row.name)
def test_each_row_is_opened_by_its_own_least_permission(row: object) -> None:
    least = getattr(row, "least", None) or getattr(row, "permission")  # noqa: B009 - two kinds of rows
    beside = getattr(row, "beside", ())
    (found,) = [each for each in judge((least, *beside), {}) if each.name == getattr(row, "name")]  # noqa: B009
    assert (found.state, found.granted_by, found.least_permission) == (GRANTED, least, least)
    assert found.adds
    if beside:
        (alone,) = [each for each in judge((least,), {}) if each.name == getattr(row, "name")]  # noqa: B009
        assert alone.state is MISSING


def test_more_than_the_least_grants_too_and_is_named() -> None:
    (found,) = [each for each in judge(("Directory.ReadWrite.All",), {}) if each.name == "Domains"]
    assert (found.state, found.granted_by) == (GRANTED, "Directory.ReadWrite.All")
    (surplus,) = surplus_of(("Directory.ReadWrite.All",))
    assert (surplus.instead, surplus.risk) == (
        READS_ALL,
        "it can change accounts, groups and applications",
    )


def test_a_refusal_tells_licence_cloud_and_disturbance_apart() -> None:
    roles = (READS_ALL, LEAK_DETECTIONS.permission, SIGN_IN_LOG.permission)
    licence = NotOffered(NOT_PREMIUM.sentence)
    for refused, state in (
        (licence, CapabilityState.NOT_LICENSED),
        (NotOffered("This cloud does not offer this: sign-in log."), CapabilityState.NOT_IN_CLOUD),
        (DirectoryBusy("Not now."), CapabilityState.UNKNOWN),
    ):
        found = {each.name: each for each in judge(roles, {SIGN_IN_LOG.name: refused})}
        assert (found[SIGN_IN_LOG.name].state, found[SIGN_IN_LOG.name].reason) == (state, refused.message)
        assert found[LEAK_DETECTIONS.name].state is GRANTED
    # What was not granted cannot be refused for want of a licence.
    (found_missing,) = [
        each for each in judge((READS_ALL,), {SIGN_IN_LOG.name: licence}) if each.name == SIGN_IN_LOG.name
    ]
    assert (found_missing.state, found_missing.reason) == (MISSING, "")


def test_what_is_used_is_never_too_much() -> None:
    assert surplus_of(USED) == ()


@pytest.mark.parametrize(
    ("permission", "risk"),
    [
        ("RoleManagement.ReadWrite.Directory", "make anybody an administrator"),
        ("AppRoleAssignment.ReadWrite.All", "give itself every other permission"),
        ("Application.ReadWrite.All", "act as them"),
        ("Application.ReadWrite.OwnedBy", "act as them"),
        ("Directory.ReadWrite.All", "change accounts, groups and applications"),
        ("User.ReadWrite.All", "change accounts"),
        ("User-PasswordProfile.ReadWrite.All", "reset how people sign in"),
        ("UserAuthenticationMethod.ReadWrite.All", "reset how people sign in"),
        ("User.EnableDisableAccount.All", "disable and enable"),
        ("User.RevokeSessions.All", "end everybody's sessions"),
        ("IdentityRiskyUser.ReadWrite.All", "compromised or as safe"),
        ("Policy.ReadWrite.ConditionalAccess", "weaken"),
        ("GroupMember.ReadWrite.All", "into a group"),
        ("Mail.Read", "mail"),
        ("Mail.Send", "mail"),
        ("Files.Read.All", "files"),
        ("Sites.FullControl.All", "files"),
        ("Chat.Read.All", "conversations"),
        ("Calendars.Read", "keep for themselves"),
        ("Device.ReadWrite.All", "change what it reaches"),
        ("Device.Read.All", "reads what Emberwatch does not use"),
        ("Something.Nobody.Knows", "reads what Emberwatch does not use"),
    ],
)
def test_each_risk_is_told(permission: str, risk: str) -> None:
    assert risk in risk_of(permission)
    expected = [] if permission in USED else [permission]
    assert [each.permission for each in surplus_of((READS_ALL, permission))] == expected
