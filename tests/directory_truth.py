"""Compares what is stored of a directory with the simulated directory itself: nothing missing, nothing more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from emberwatch.directories.entra.users import PROPERTIES, account_change
from emberwatch.identities.models import Application, ApplicationOpening, Group, GroupMember, Identity
from emberwatch.simulator import SimulatedEntra
from emberwatch.simulator.state import DirectoryState
from emberwatch.tenants.models import Tenant
from tests.world import DIRECTORY

_FIELDS: Final = tuple(field for field, _ in PROPERTIES.values())


def differences(tenant: Tenant, entra: SimulatedEntra, *, scope: frozenset[str] | None = None) -> list[str]:
    """Every difference in words; ``scope``: the object ids of the accounts that are wanted at all."""
    directory = entra.directory(DIRECTORY)
    return [
        *_accounts(tenant, directory, scope),
        *_bin(tenant, directory, scope),
        *_groups(tenant, directory, scope),
        *_roles(tenant, directory),
        *_applications(tenant, directory, scope),
    ]


def _accounts(tenant: Tenant, directory: DirectoryState, scope: frozenset[str] | None) -> Iterator[str]:
    wanted = {
        UUID(user.id): user.properties for user in directory.present() if scope is None or user.id in scope
    }
    rows = Identity.objects.filter(tenant=tenant, deleted_at=None, removed_at=None)
    stored = {row.object_id: row for row in rows}
    yield from (f"{wanted[key]['userPrincipalName']} is missing" for key in wanted.keys() - stored.keys())
    yield from (f"{stored[key].user_principal_name} is too much" for key in stored.keys() - wanted.keys())
    for key in wanted.keys() & stored.keys():
        yield from _fields(stored[key], wanted[key])
        if scope is None:
            manager = directory.managers.of(str(key))
            if stored[key].manager_object_id != (UUID(manager) if manager else None):
                yield f"{stored[key].user_principal_name}: manager"


def _fields(row: Identity, properties: Mapping[str, Any]) -> Iterator[str]:
    told = account_change({name: properties[name] for name in (*PROPERTIES, "id")}).told
    for field in _FIELDS:
        if getattr(row, field) != told[field]:
            yield f"{row.user_principal_name}: {field} is {getattr(row, field)!r}, not {told[field]!r}"


def _bin(tenant: Tenant, directory: DirectoryState, scope: frozenset[str] | None) -> Iterator[str]:
    wanted = {UUID(user.id): user for user in directory.gone() if scope is None}
    rows = Identity.objects.filter(tenant=tenant, deleted_at__isnull=False, removed_at=None)
    stored = {row.object_id: row for row in rows}
    if scope is None and wanted.keys() != stored.keys():
        yield f"the bin holds {len(wanted)} accounts, stored are {len(stored)}"
    for key in wanted.keys() & stored.keys():
        if stored[key].deleted_at != wanted[key].scenario.deleted:
            yield f"{stored[key].user_principal_name}: deleted at {stored[key].deleted_at}"
        if stored[key].user_principal_name != wanted[key].scenario.upn:
            yield f"{wanted[key].scenario.upn} is called {stored[key].user_principal_name} in the bin"


def _groups(tenant: Tenant, directory: DirectoryState, scope: frozenset[str] | None) -> Iterator[str]:
    living = list(directory.memberships.present_groups())
    groups = Group.objects.filter(tenant=tenant, is_role=False)
    if {(UUID(each.id), each.scenario.display_name) for each in living} != set(
        groups.values_list("object_id", "name")
    ):
        yield "the groups differ"
    wanted = {
        (UUID(each.id), UUID(member))
        for each in living
        for member, kind in directory.memberships.members(each.id)
        if scope is None or kind == "group" or member in scope
    }
    stored = set(
        GroupMember.objects.filter(tenant=tenant)
        .exclude(group_object_id__in=Group.objects.filter(tenant=tenant, is_role=True).values("object_id"))
        .values_list("group_object_id", "member_object_id")
    )
    if wanted != stored:
        yield f"of the members of groups {len(wanted - stored)} are missing and {len(stored - wanted)} too much"


def _roles(tenant: Tenant, directory: DirectoryState) -> Iterator[str]:
    wanted = {
        (UUID(role.id), UUID(member))
        for role in directory.memberships.roles.values()
        for member in (*filter(directory.is_present, role.people), *role.holders)
    }
    roles = Group.objects.filter(tenant=tenant, is_role=True).values("object_id")
    stored = set(
        GroupMember.objects.filter(tenant=tenant, group_object_id__in=roles).values_list(
            "group_object_id", "member_object_id"
        )
    )
    if wanted != stored:
        yield f"of the holders of roles {len(wanted - stored)} are missing and {len(stored - wanted)} too much"


def _applications(tenant: Tenant, directory: DirectoryState, scope: frozenset[str] | None) -> Iterator[str]:
    apps = [state.scenario for state in directory.apps.values()]
    names = {(UUID(app.principal_id), app.display_name) for app in apps}
    stored = Application.objects.filter(tenant=tenant).exclude(name="Microsoft Graph")
    if names != set(stored.values_list("object_id", "name")):
        yield "the applications differ"
    people = {
        (UUID(app.principal_id), UUID(user.id))
        for app in apps
        for upn in app.assigned_users
        if (user := directory.find(upn)) and (scope is None or user.id in scope)
    }
    living = {group.scenario.display_name: group.id for group in directory.memberships.present_groups()}
    given = people | {
        (UUID(app.principal_id), UUID(living[name]))
        for app in apps
        for name in app.assigned_groups
        if name in living
    }
    openings = ApplicationOpening.objects.filter(tenant=tenant)
    if given != set(openings.values_list("application_object_id", "principal_object_id")):
        yield "who was given an application differs"
