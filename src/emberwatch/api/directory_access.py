"""From a request to the directory that it is about."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from ninja import Query

from emberwatch.api.auth import actor_of
from emberwatch.directories.models import DirectoryConnection
from emberwatch.directories.queries import directory_named, required_connection
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import access_tenant

ONLY_ONE: Final[Any] = Query(  # type: ignore[type-arg]
    "",
    max_length=256,
    description="Which directory, where the tenant has several: its Directory (tenant) ID or its organisation's name.",
)


def access_directory(
    request: HttpRequest,
    tenant_id: str,
    directory: str,
    permission: Permission = Permission.CONFIGURE_DIRECTORY,
) -> tuple[Tenant, DirectoryConnection]:
    """The tenant and its connection to the directory that is named, or to the only one."""
    tenant = access_tenant(actor_of(request), tenant_id, permission)
    return tenant, required_connection(tenant.id, directory_named(tenant.id, directory))
