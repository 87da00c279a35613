"""The option that names a directory, for tenants that have several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from emberwatch.cli.start import start

if TYPE_CHECKING:
    from uuid import UUID

    from emberwatch.directories.models import DirectoryConnection
    from emberwatch.tenants.models import Tenant

Which = Annotated[
    str,
    typer.Option(
        "--directory",
        help="Which directory, where the tenant has several: its Directory (tenant) ID or its organisation's name.",
    ),
]


def tenant_and_connection(name: str, directory: str) -> tuple[Tenant, DirectoryConnection]:
    """Starts up; the tenant and its connection to the directory that is named, or to its only one."""
    start()
    from emberwatch.directories.queries import required_connection
    from emberwatch.tenants.queries import tenant_by_name

    found = tenant_by_name(name)
    return found, required_connection(found.id, named(found, directory))


def named(tenant: Tenant, directory: str) -> UUID | None:
    from emberwatch.directories.queries import directory_named

    return directory_named(tenant.id, directory)
