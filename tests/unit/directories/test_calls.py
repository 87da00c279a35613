"""Of an address only its shape is written down."""

from __future__ import annotations

import pytest

from emberwatch.directories.calls import path_template

GUID = "0f9e8d7c-1111-4222-8333-444455556666"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/v1.0/users", "/v1.0/users"),
        ("/v1.0/users/delta", "/v1.0/users/delta"),
        (f"/v1.0/users/{GUID}", "/v1.0/users/{id}"),
        (f"/v1.0/users/{GUID}/transitiveMemberOf", "/v1.0/users/{id}/transitiveMemberOf"),
        ("/v1.0/users/ann@contoso.example", "/v1.0/users/{id}"),
        ("/v1.0/users/ann", "/v1.0/users/{id}"),
        ("/v1.0/users/ann/manager", "/v1.0/users/{id}/manager"),
        ("/v1.0/domains/contoso.example", "/v1.0/domains/{id}"),
        ("/v1.0/users('ann@contoso.example')", "/v1.0/{id}"),
        ("/v1.0/groups/delta(token='secret-looking')", "/v1.0/groups/{id}"),
        ("/v1.0/users?$filter=mail eq 'ann@contoso.example'", "/v1.0/users"),
        ("/v1.0/$batch", "/v1.0/$batch"),
        ("/v1.0/users/$count", "/v1.0/users/$count"),
        (
            "/v1.0/directory/deletedItems/microsoft.graph.user",
            "/v1.0/directory/deletedItems/microsoft.graph.user",
        ),
        (f"/v1.0/directory/deletedItems/{GUID}", "/v1.0/directory/deletedItems/{id}"),
        ("/v1.0/auditLogs/signIns", "/v1.0/auditLogs/signIns"),
        ("/v1.0/roleManagement/directory/roleAssignments", "/v1.0/roleManagement/directory/roleAssignments"),
        (
            f"/v1.0/servicePrincipals/{GUID}/appRoleAssignedTo",
            "/v1.0/servicePrincipals/{id}/appRoleAssignedTo",
        ),
        (
            f"/v1.0/servicePrincipals/{GUID}/oauth2PermissionGrants",
            "/v1.0/servicePrincipals/{id}/oauth2PermissionGrants",
        ),
        (f"/{GUID}/oauth2/v2.0/token", "/{id}/oauth2/v2.0/token"),
        (f"/{GUID}/v2.0/.well-known/openid-configuration", "/{id}/v2.0/.well-known/openid-configuration"),
        ("/", "/"),
        ("/v1.0/" + "a" * 300, "/v1.0/{id}"),
        ("/v1.0/Müller", "/v1.0/{id}"),
    ],
)
def test_ids_and_names_become_a_mark(path: str, shown: str) -> None:
    assert path_template(path) == shown


def test_a_long_address_has_an_end() -> None:
    assert len(path_template("/v1.0" + "/word" * 100)) == 200
