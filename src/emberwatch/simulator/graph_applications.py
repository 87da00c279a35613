"""Graph's answers about app registrations, enterprise applications, and who may open them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from emberwatch.simulator.application_objects import (
    APPLICATION_PROPERTIES,
    ASSIGNMENT_PROPERTIES,
    FEDERATED_PROPERTIES,
    GRANT_PROPERTIES,
    PRINCIPAL_PROPERTIES,
    application_object,
    assignment_object,
    federated_object,
    grant_object,
    granted_permissions,
    graph_principal,
    principal_object,
)
from emberwatch.simulator.apps import AppState
from emberwatch.simulator.graph_call import Call
from emberwatch.simulator.graph_collections import entity, paged
from emberwatch.simulator.graph_objects import Object
from emberwatch.simulator.graph_replies import not_found
from emberwatch.simulator.messages import Reply
from emberwatch.simulator.odata_filter import Fields
from emberwatch.simulator.permissions import GRAPH_APP_ID
from emberwatch.simulator.scenario import AppScenario, default_domain
from emberwatch.simulator.state import DirectoryState

_NAMED: Final = Fields(
    single={
        "id": frozenset({"eq", "in"}),
        "appId": frozenset({"eq", "in"}),
        "displayName": frozenset({"eq", "in", "startsWith"}),
    }
)
_GRANTS: Final = Fields(single={"clientId": frozenset({"eq"}), "consentType": frozenset({"eq"})})
_ASSIGNMENTS: Final = Fields(single={"resourceId": frozenset({"eq"}), "principalId": frozenset({"eq"})})


def list_applications(call: Call) -> Reply:
    """``GET /applications``: those that are registered in this directory."""
    domain = default_domain(call.directory.scenario).name
    rows = [application_object(state, domain) for state in _registered(call.directory)]
    return paged(call, "applications", rows, APPLICATION_PROPERTIES, _NAMED)


def _registered(directory: DirectoryState) -> Iterator[AppState]:
    return (state for state in directory.apps.values() if state.scenario.registered_here)


def _application(call: Call) -> AppState:
    app_id, object_id = call.params.get("app_id", "").lower(), call.params.get("id", "").lower()
    for state in _registered(call.directory):
        if object_id == state.scenario.object_id or app_id == state.scenario.client_id.lower():
            return state
    raise not_found(app_id or object_id)


def get_application(call: Call) -> Reply:
    """``GET /applications/{id}`` and ``/applications(appId='…')``."""
    row = application_object(_application(call), default_domain(call.directory.scenario).name)
    return entity(call, "applications", row, APPLICATION_PROPERTIES)


def list_federated_credentials(call: Call) -> Reply:
    """``GET /applications/{id}/federatedIdentityCredentials``."""
    app = _application(call).scenario
    rows = [federated_object(app, trusted) for trusted in app.federated]
    return paged(call, "federatedIdentityCredentials", rows, FEDERATED_PROPERTIES)


def list_service_principals(call: Call) -> Reply:
    """``GET /servicePrincipals``."""
    return paged(call, "servicePrincipals", list(_principals(call.directory)), PRINCIPAL_PROPERTIES, _NAMED)


def _principals(directory: DirectoryState) -> Iterator[Object]:
    for state in directory.apps.values():
        yield principal_object(state.scenario, directory.id)
    yield graph_principal(
        {role for state in directory.apps.values() for role in state.scenario.granted_roles}
    )


def _principal(call: Call) -> Object:
    app_id, object_id = call.params.get("app_id", "").lower(), call.params.get("id", "").lower()
    for row in _principals(call.directory):
        if object_id == row["id"] or app_id == row["appId"].lower():
            return row
    raise not_found(app_id or object_id)


def get_service_principal(call: Call) -> Reply:
    """``GET /servicePrincipals/{id}`` and ``/servicePrincipals(appId='…')``."""
    return entity(call, "servicePrincipals", _principal(call), PRINCIPAL_PROPERTIES)


def _app(call: Call) -> AppScenario | None:
    """The app whose enterprise application is asked about; None: it is Graph's own."""
    row = _principal(call)
    return None if row["appId"] == GRAPH_APP_ID else call.directory.apps[row["appId"].lower()].scenario


def list_permissions(call: Call) -> Reply:
    """``GET /servicePrincipals/{id}/appRoleAssignments``: what the application itself was granted."""
    app = _app(call)
    return _assignments(call, granted_permissions(app) if app else ())


def list_assigned(call: Call) -> Reply:
    """``GET /servicePrincipals/{id}/appRoleAssignedTo``: who may open it, or who was granted its roles."""
    app = _app(call)
    if app is None:
        everyone = (state.scenario for state in call.directory.apps.values())
        return _assignments(call, (row for each in everyone for row in granted_permissions(each)))
    return _assignments(call, _assigned_to(call.directory, app))


def _assignments(call: Call, rows: Iterable[Object]) -> Reply:
    return paged(call, "appRoleAssignments", list(rows), ASSIGNMENT_PROPERTIES, _ASSIGNMENTS)


def _assigned_to(directory: DirectoryState, app: AppScenario) -> Iterator[Object]:
    for user in filter(None, map(directory.find, app.assigned_users)):
        yield assignment_object(app, user.id, "User", user.properties["displayName"])
    for group in directory.memberships.present_groups():
        if group.scenario.display_name in app.assigned_groups:
            yield assignment_object(app, group.id, "Group", group.scenario.display_name)


def list_user_assignments(call: Call) -> Reply:
    """``GET /users/{id}/appRoleAssignments``: the user's own, and those of the groups it is in directly."""
    user = call.directory.find(call.params["id"])
    if user is None:
        raise not_found(call.params["id"])
    holders = {user.id, *(group.id for group in call.directory.memberships.holders_of(user.id))}
    return _assignments(call, _given_to(call.directory, holders))


def list_group_assignments(call: Call) -> Reply:
    """``GET /groups/{id}/appRoleAssignments``."""
    group = call.directory.memberships.groups.get(call.params["id"].lower())
    if group is None or group.deleted is not None:
        raise not_found(call.params["id"])
    return _assignments(call, _given_to(call.directory, {group.id}))


def _given_to(directory: DirectoryState, holders: set[str]) -> Iterator[Object]:
    for state in directory.apps.values():
        for row in _assigned_to(directory, state.scenario):
            if row["principalId"] in holders:
                yield row


def list_delegated_grants(call: Call) -> Reply:
    """``GET /oauth2PermissionGrants``."""
    apps = (state.scenario for state in call.directory.apps.values())
    rows = [grant_object(app) for app in apps if app.consented_scopes]
    return paged(call, "oauth2PermissionGrants", rows, GRANT_PROPERTIES, _GRANTS)


def list_grants_of_principal(call: Call) -> Reply:
    """``GET /servicePrincipals/{id}/oauth2PermissionGrants``."""
    app = _app(call)
    rows = [grant_object(app)] if app and app.consented_scopes else []
    return paged(call, "oauth2PermissionGrants", rows, GRANT_PROPERTIES)
