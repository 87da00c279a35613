"""How app registrations, enterprise applications and what they were granted look in Graph v1.0."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from emberwatch.simulator.apps import AppState, SecretState
from emberwatch.simulator.certificates import Certificate
from emberwatch.simulator.messages import graph_time
from emberwatch.simulator.permissions import (
    DEFAULT_ACCESS,
    GRAPH_APP_ID,
    GRAPH_PRINCIPAL,
    known_roles,
    role_id,
)
from emberwatch.simulator.scenario import AppRoleScenario, AppScenario, FederatedScenario, stable_id

Object = dict[str, Any]

# fmt: off
APPLICATION_PROPERTIES: Final = frozenset({
    "id", "appId", "appRoles", "createdDateTime", "deletedDateTime", "description", "displayName",
    "identifierUris", "isFallbackPublicClient", "keyCredentials", "passwordCredentials", "publisherDomain",
    "requiredResourceAccess", "signInAudience", "tags", "web",
})
PRINCIPAL_PROPERTIES: Final = frozenset({
    "id", "accountEnabled", "appDescription", "appDisplayName", "appId", "appOwnerOrganizationId",
    "appRoleAssignmentRequired", "appRoles", "deletedDateTime", "displayName", "homepage", "keyCredentials",
    "oauth2PermissionScopes", "passwordCredentials", "preferredSingleSignOnMode", "servicePrincipalNames",
    "servicePrincipalType", "signInAudience", "tags",
})
ASSIGNMENT_PROPERTIES: Final = frozenset({
    "id", "appRoleId", "createdDateTime", "deletedDateTime", "principalDisplayName", "principalId",
    "principalType", "resourceDisplayName", "resourceId",
})
GRANT_PROPERTIES: Final = frozenset({"id", "clientId", "consentType", "principalId", "resourceId", "scope"})
FEDERATED_PROPERTIES: Final = frozenset({"id", "audiences", "description", "issuer", "name", "subject"})
# fmt: on


def application_object(state: AppState, domain: str) -> Object:
    """An app registration; of its secrets everything but the value."""
    app = state.scenario
    wanted = app.granted_roles if app.required_roles is None else app.required_roles
    access = [{"id": role_id(role), "type": "Role"} for role in wanted]
    return {
        "id": app.object_id,
        "appId": app.client_id,
        "appRoles": [_app_role(role) for role in app.app_roles],
        "createdDateTime": graph_time(app.created),
        "deletedDateTime": None,
        "description": None,
        "displayName": app.display_name,
        "identifierUris": [],
        "isFallbackPublicClient": True if app.public_client else None,
        "keyCredentials": [_key_credential(certificate) for certificate in state.certificates],
        "passwordCredentials": [_password_credential(secret) for secret in state.secrets],
        "publisherDomain": domain,
        "requiredResourceAccess": (
            [{"resourceAppId": GRAPH_APP_ID, "resourceAccess": access}] if access else []
        ),
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "web": {"homePageUrl": None, "logoutUrl": None, "redirectUris": []},
    }


def _password_credential(secret: SecretState) -> Object:
    return {
        "customKeyIdentifier": None,
        "displayName": secret.scenario.display_name or None,
        "endDateTime": graph_time(secret.scenario.expires),
        "hint": secret.hint,
        "keyId": secret.scenario.key_id,
        "secretText": None,
        "startDateTime": graph_time(secret.scenario.begins),
    }


def _key_credential(certificate: Certificate) -> Object:
    return {
        "customKeyIdentifier": certificate.sha1,
        "displayName": certificate.display_name,
        "endDateTime": graph_time(certificate.not_after),
        "key": None,
        "keyId": certificate.key_id,
        "startDateTime": graph_time(certificate.not_before),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def _app_role(role: AppRoleScenario) -> Object:
    return {
        "allowedMemberTypes": ["User"],
        "description": role.display_name or role.value,
        "displayName": role.display_name or role.value,
        "id": role.object_id,
        "isEnabled": True,
        "origin": "Application",
        "value": role.value,
    }


def principal_object(app: AppScenario, directory_id: str) -> Object:
    """The enterprise application of an app registration."""
    owner = directory_id if app.registered_here else stable_id(f"the directory of {app.client_id}")
    return {
        "id": app.principal_id,
        "accountEnabled": not app.disabled,
        "appDescription": None,
        "appDisplayName": app.display_name,
        "appId": app.client_id,
        "appOwnerOrganizationId": owner,
        "appRoleAssignmentRequired": app.assignment_required,
        "appRoles": [_app_role(role) for role in app.app_roles],
        "deletedDateTime": None,
        "displayName": app.display_name,
        "homepage": None,
        "keyCredentials": [],
        "oauth2PermissionScopes": [],
        "passwordCredentials": [],
        "preferredSingleSignOnMode": None,
        "servicePrincipalNames": [app.client_id],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg" if app.registered_here else "AzureADMultipleOrgs",
        "tags": ["WindowsAzureActiveDirectoryIntegratedApp"],
    }


def graph_principal(granted: set[str]) -> Object:
    """Graph's own enterprise application, which names the permissions."""
    graph = AppScenario(client_id=GRAPH_APP_ID, display_name="Microsoft Graph", registered_here=False)
    roles = [
        {**_app_role(AppRoleScenario(value=name, id=role_id(name))), "allowedMemberTypes": ["Application"]}
        for name in known_roles(*granted)
    ]
    return {**principal_object(graph, ""), "appRoles": roles, "tags": []}


def granted_permissions(app: AppScenario) -> Iterator[Object]:
    """The application permissions that an app was granted."""
    for role in app.granted_roles:
        yield {
            "id": _assignment_id(app.principal_id, role_id(role)),
            "appRoleId": role_id(role),
            "createdDateTime": graph_time(app.created),
            "deletedDateTime": None,
            "principalDisplayName": app.display_name,
            "principalId": app.principal_id,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": "Microsoft Graph",
            "resourceId": GRAPH_PRINCIPAL,
        }


def assignment_object(app: AppScenario, principal_id: str, kind: str, name: str | None) -> Object:
    """A user or group that may open an application."""
    given = next(
        (role.object_id for role in app.app_roles if role.value == app.assigned_role), DEFAULT_ACCESS
    )
    return {
        "id": _assignment_id(principal_id, app.principal_id),
        "appRoleId": given,
        "createdDateTime": graph_time(app.created),
        "deletedDateTime": None,
        "principalDisplayName": name,
        "principalId": principal_id,
        "principalType": kind,
        "resourceDisplayName": app.display_name,
        "resourceId": app.principal_id,
    }


def _assignment_id(principal: str, other: str) -> str:
    raw = stable_id(f"assignment {principal} {other}").replace("-", "")
    return base64.urlsafe_b64encode(bytes.fromhex(raw)).decode().rstrip("=")


def grant_object(app: AppScenario) -> Object:
    """The delegated permissions that an admin consented to for everybody."""
    return {
        "id": _assignment_id(app.principal_id, "delegated"),
        "clientId": app.principal_id,
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": GRAPH_PRINCIPAL,
        "scope": " ".join(app.consented_scopes),
    }


def federated_object(app: AppScenario, trusted: FederatedScenario) -> Object:
    """An issuer whose tokens stand in for a secret."""
    return {
        "id": stable_id(f"federated {app.client_id} {trusted.name}"),
        "audiences": list(trusted.audiences),
        "description": None,
        "issuer": trusted.issuer,
        "name": trusted.name,
        "subject": trusted.subject,
    }
