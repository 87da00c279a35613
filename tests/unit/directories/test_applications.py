"""Graph's service principals as facts: who opens an application, as what, and what is privileged about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from emberwatch.directories.base import DirectoryError
from emberwatch.directories.entra.applications import (
    application_of,
    is_opened_by_people,
    management_applications,
)

ID, ANN, STAFF, ROLE = (f"{number}" * 8 + "-0000-4000-8000-000000000001" for number in range(1, 5))
DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"
SHOWN = ["WindowsAzureActiveDirectoryIntegratedApp"]


def principal(**facts: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "appId": STAFF,
        "displayName": "Payroll",
        "accountEnabled": True,
        "appRoleAssignmentRequired": True,
        "tags": SHOWN,
        "appRoles": [{"id": ROLE, "displayName": "Payroll administrator", "value": "admin"}],
        **facts,
    }


def given(principal_id: str, role: str = DEFAULT_ACCESS, kind: str = "User") -> dict[str, Any]:
    return {"principalId": principal_id, "principalType": kind, "appRoleId": role}


def test_who_was_given_it_and_as_what() -> None:
    rows = [
        given(ANN),
        given(ANN, ROLE),
        given(STAFF, kind="Group"),
        given(ID, kind="ServicePrincipal"),
        given("nobody"),
    ]
    found = application_of(principal(), rows)
    openings = {each.principal_object_id: each for each in found.openings}
    assert set(openings) == {UUID(ANN), UUID(STAFF)}
    ann, staff = openings[UUID(ANN)], openings[UUID(STAFF)]
    assert (ann.role, ann.privileged, ann.is_group) == ("Payroll administrator", True, False)
    assert (staff.role, staff.privileged, staff.is_group) == ("", False, True)


@pytest.mark.parametrize(
    ("facts", "open_to_all"),
    [
        ({"appRoleAssignmentRequired": False}, True),
        ({"appRoleAssignmentRequired": True}, False),
        ({"appRoleAssignmentRequired": None}, False),
        ({"appRoleAssignmentRequired": False, "accountEnabled": False}, False),
        # Microsoft's own services that nobody opens by themselves.
        ({"appRoleAssignmentRequired": False, "tags": []}, False),
        ({"appRoleAssignmentRequired": False, "tags": None}, False),
    ],
)
def test_which_open_for_everybody(facts: dict[str, Any], open_to_all: bool) -> None:
    assert application_of(principal(**facts), []).open_to_all is open_to_all


def test_what_manages_the_directory_is_privileged_whoever_opens_it() -> None:
    assert not application_of(principal(), []).privileged
    for app_id in management_applications():
        assert str(UUID(app_id)) == app_id
        assert application_of(principal(appId=app_id.upper()), []).privileged


def test_nobody_signs_in_to_a_managed_identity() -> None:
    assert is_opened_by_people(principal(servicePrincipalType="Application"))
    assert is_opened_by_people(principal())
    assert not is_opened_by_people(principal(servicePrincipalType="ManagedIdentity"))


@pytest.mark.parametrize("facts", [{"id": None}, {"appId": "x"}])
def test_an_application_without_its_ids_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(DirectoryError, match="without its ids"):
        application_of(principal(**facts), [])


def test_names_that_the_store_cannot_hold_are_cut() -> None:
    found = application_of(principal(displayName="x\x00" * 400, appRoles="none"), [given(ANN, ROLE)])
    assert found.name == "x" * 256
    assert found.openings[0].role == ""
