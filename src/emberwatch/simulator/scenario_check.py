"""Refuses a scenario that no real directory could be, with the path of the bad value."""

from __future__ import annotations

import math
from collections.abc import Iterator

from emberwatch.simulator.scenario import (
    DirectoryScenario,
    DomainScenario,
    GroupScenario,
    RoleScenario,
    Scenario,
    ScenarioError,
    is_guid,
)


def check(scenario: Scenario) -> Scenario:
    """Return the scenario, or raise :class:`ScenarioError` with the first fault found."""
    seen: dict[str, str] = {}
    for number, directory in enumerate(scenario.directories):
        for path, value in _unique_values(f"directories[{number}]", directory):
            if value in seen:
                raise ScenarioError(f"{path}: {value!r} is already used at {seen[value]}", field=path)
            seen[value] = path
        _check_directory(f"directories[{number}]", directory)
    return scenario


def _unique_values(path: str, directory: DirectoryScenario) -> Iterator[tuple[str, str]]:
    yield f"{path}.id", directory.id.lower()
    for number, domain in enumerate(directory.domains):
        yield f"{path}.domains[{number}].name", domain.name.lower()
    for number, app in enumerate(directory.apps):
        yield f"{path}.apps[{number}].client_id", app.client_id.lower()
    for number, user in enumerate(directory.users):
        yield f"{path}.users[{number}].id", user.object_id.lower()
        if user.deleted is None:
            yield f"{path}.users[{number}].upn", user.upn.casefold()


def _check_directory(path: str, directory: DirectoryScenario) -> None:
    _check_guid(f"{path}.id", directory.id)
    if not 0 <= directory.write_delay_seconds < math.inf:
        where = f"{path}.write_delay_seconds"
        raise ScenarioError(f"{where}: must be zero or more seconds", field=where)
    _check_domains(f"{path}.domains", directory.domains)
    _check_apps(f"{path}.apps", directory)
    names = {domain.name.casefold() for domain in directory.domains}
    people = {user.upn.casefold() for user in directory.users}
    if directory.population is not None and directory.population.domain.casefold() not in names:
        where = f"{path}.population.domain"
        raise ScenarioError(f"{where}: it is not one of the directory's", field=where)
    licences = {sku.part_number for sku in directory.skus}
    for number, user in enumerate(directory.users):
        where = f"{path}.users[{number}]"
        _check_guid(f"{where}.id", user.object_id)
        if user.upn.casefold().rpartition("@")[2] not in names:
            raise ScenarioError(
                f"{where}.upn: the domain of {user.upn!r} is not one of the directory's", field=where
            )
        unknown = [name for name in user.licences if name not in licences]
        if unknown:
            raise ScenarioError(f"{where}: licence {unknown[0]!r} is not in the directory", field=where)
        if user.manager is not None and user.manager.casefold() not in people:
            raise ScenarioError(f"{where}: manager {user.manager!r} is not in the directory", field=where)
    _check_members(path, directory)
    _check_detections(f"{path}.detections", directory)


def _check_apps(path: str, directory: DirectoryScenario) -> None:
    groups = {group.display_name for group in directory.groups}
    for number, app in enumerate(directory.apps):
        where = f"{path}[{number}]"
        _check_guid(f"{where}.client_id", app.client_id)
        missing = [name for name in app.assigned_groups if name not in groups]
        if missing:
            raise ScenarioError(f"{where}: group {missing[0]!r} is not in the directory", field=where)
        if app.assigned_role not in {"", *(role.value for role in app.app_roles)}:
            raise ScenarioError(f"{where}: it has no app role {app.assigned_role!r}", field=where)


def _check_detections(path: str, directory: DirectoryScenario) -> None:
    people = {user.upn.casefold() for user in directory.users}
    seen: set[str] = set()
    for number, detection in enumerate(directory.detections):
        where = f"{path}[{number}]"
        if detection.upn.casefold() not in people:
            raise ScenarioError(f"{where}: {detection.upn!r} is not in the directory", field=where)
        if detection.object_id in seen:
            raise ScenarioError(f"{where}: the id {detection.object_id!r} is already used", field=where)
        seen.add(detection.object_id)


def _check_members(path: str, directory: DirectoryScenario) -> None:
    people = {user.upn.casefold() for user in directory.users}
    groups = {group.display_name: group for group in directory.groups}
    apps = {app.client_id.lower() for app in directory.apps}
    for number, role in enumerate(directory.roles):
        strange = [client_id for client_id in role.apps if client_id.lower() not in apps]
        if strange:
            where = f"{path}.roles[{number}]"
            raise ScenarioError(f"{where}: app {strange[0]!r} is not in the directory", field=where)
    kinds: tuple[tuple[str, tuple[GroupScenario | RoleScenario, ...]], ...] = (
        ("groups", directory.groups),
        ("roles", directory.roles),
    )
    for kind, rows in kinds:
        for number, row in enumerate(rows):
            where = f"{path}.{kind}[{number}]"
            _check_guid(f"{where}.id", row.object_id)
            missing = [name for name in row.members if name.casefold() not in people]
            missing += [name for name in row.groups if name not in groups]
            if missing:
                raise ScenarioError(f"{where}: {missing[0]!r} is not in the directory", field=where)
            barred = [name for name in row.groups if not groups[name].assignable_to_role]
            if kind == "roles" and barred:
                raise ScenarioError(f"{where}: group {barred[0]!r} is not assignable to roles", field=where)


def _check_guid(path: str, value: str) -> None:
    if not is_guid(value):
        raise ScenarioError(f"{path}: {value!r} is not a GUID", field=path)


def _check_domains(path: str, domains: tuple[DomainScenario, ...]) -> None:
    for flag in ("default", "initial"):
        count = sum(1 for domain in domains if getattr(domain, flag))
        if count > 1:
            raise ScenarioError(f"{path}: {count} domains are marked {flag}; at most one may be", field=path)
    if not domains:
        raise ScenarioError(f"{path}: a directory needs at least one domain", field=path)
