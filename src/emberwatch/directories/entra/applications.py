"""Graph's service principals and who may open them as facts about applications. Pure.

Microsoft gives an application to people and to groups; of a group, only its direct members get it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

from emberwatch.directories.base import DirectoryError
from emberwatch.directories.changes import ApplicationFacts, Opening
from emberwatch.directories.entra.abilities import Ability
from emberwatch.directories.entra.users import guid, text_of

# Shown with everything that Directory.Read.All opens; without it, this alone is missing.
APPLICATIONS: Final = Ability(
    "Applications", "Application.Read.All", "an account shows the applications that it opens"
)
SELECT: Final = (
    "id,appId,displayName,accountEnabled,appRoleAssignmentRequired,servicePrincipalType,tags,appRoles"
)
_SHOWN_TO_PEOPLE: Final = "WindowsAzureActiveDirectoryIntegratedApp"
_KINDS: Final = {"User": False, "Group": True}
_ADMINISTERS: Final = re.compile(r"admin|owner", re.IGNORECASE)
_name = text_of(256)


@cache
def management_applications() -> Mapping[str, str]:
    """Names by application id: what is made to change a whole directory or all of its services."""
    text = files(__package__).joinpath("management_applications.csv").read_text(encoding="utf-8")
    return {row["app_id"]: row["name"] for row in csv.DictReader(text.splitlines())}


def is_opened_by_people(row: Mapping[str, Any]) -> bool:
    """A managed identity is an account of a machine: nobody signs in to it."""
    return row.get("servicePrincipalType") != "ManagedIdentity"


def application_of(row: Mapping[str, Any], assigned: Iterable[Mapping[str, Any]]) -> ApplicationFacts:
    object_id, app_id = guid(row.get("id")), guid(row.get("appId"))
    if object_id is None or app_id is None:
        raise DirectoryError("Microsoft Graph listed an application without its ids.")
    tags = row.get("tags")
    enabled = row.get("accountEnabled") is not False
    return ApplicationFacts(
        object_id,
        app_id,
        _name(row.get("displayName")),
        enabled,
        open_to_all=enabled
        and row.get("appRoleAssignmentRequired") is False
        and isinstance(tags, list)
        and _SHOWN_TO_PEOPLE in tags,
        privileged=str(app_id) in management_applications(),
        openings=_openings(assigned, _role_names(row)),
    )


def _role_names(row: Mapping[str, Any]) -> dict[UUID, str]:
    """Without those of the default access, which has no role of its own."""
    roles = row.get("appRoles")
    rows = [each for each in roles if isinstance(each, dict)] if isinstance(roles, list) else []
    return {
        key: _name(each.get("displayName") or each.get("value"))
        for each in rows
        if (key := guid(each.get("id")))
    }


def _openings(assigned: Iterable[Mapping[str, Any]], names: Mapping[UUID, str]) -> tuple[Opening, ...]:
    """One for each person or group, with all roles that it was given."""
    found: dict[UUID, tuple[bool, set[str]]] = {}
    for row in assigned:
        kind, principal = _KINDS.get(str(row.get("principalType"))), guid(row.get("principalId"))
        if kind is None or principal is None:
            continue
        role = guid(row.get("appRoleId"))
        found.setdefault(principal, (kind, set()))[1].add(names.get(role, "") if role else "")
    return tuple(_opening(principal, *told) for principal, told in found.items())


def _opening(principal: UUID, is_group: bool, roles: set[str]) -> Opening:
    words = _name(", ".join(sorted(filter(None, roles))))
    return Opening(principal, is_group, words, privileged=bool(_ADMINISTERS.search(words)))
