"""Reads of directory connections. A directory is named by its own id, the Directory (tenant) ID."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from emberwatch.core.errors import BadInput, NotFound
from emberwatch.directories.models import DirectoryConnection

FIELD: Final = "directory"
_NOT_CONNECTED: Final = "This tenant is not connected to a directory yet."
_WHERE: Final = "Configure → Tenants → the tenant → Entra ID Configuration."


def connections_of(tenant_id: UUID) -> list[DirectoryConnection]:
    """All directories of a tenant, the one that was connected first at the head."""
    return list(DirectoryConnection.objects.filter(tenant_id=tenant_id).order_by("created_at", "pk"))


def connection_to(tenant_id: UUID, entra_tenant_id: UUID) -> DirectoryConnection | None:
    return DirectoryConnection.objects.filter(tenant_id=tenant_id, entra_tenant_id=entra_tenant_id).first()


def required_connection(tenant_id: UUID, entra_tenant_id: UUID | None = None) -> DirectoryConnection:
    """The connection to the directory that is named, or to the only one.

    Raises :class:`NotFound`, and :class:`BadInput` where none is named and the tenant has several.
    """
    found = connections_of(tenant_id)
    if not found:
        raise NotFound(_NOT_CONNECTED, remedy=_WHERE)
    if entra_tenant_id is None:
        return _only(found)
    named = next((each for each in found if each.entra_tenant_id == entra_tenant_id), None)
    if named is None:
        raise NotFound("This tenant is not connected to that directory.", remedy=_named(found))
    return named


def _only(found: Sequence[DirectoryConnection]) -> DirectoryConnection:
    if len(found) > 1:
        raise BadInput("This tenant has several directories.", remedy=_named(found), field=FIELD)
    return found[0]


def _named(found: Sequence[DirectoryConnection]) -> str:
    names = ", ".join(f"{each.entra_tenant_id} ({each.label})" for each in found)
    return f"Name one by its Directory (tenant) ID: {names}."


def directory_named(tenant_id: UUID, text: str) -> UUID | None:
    """The directory that somebody typed, by its id or its organisation's name; ``None`` for nothing typed."""
    wanted = text.strip()
    if not wanted:
        return None
    try:
        return UUID(wanted)
    except ValueError:
        pass
    found = connections_of(tenant_id)
    called = [each for each in found if each.organisation_name.casefold() == wanted.casefold()]
    if len(called) != 1:
        sentence = "Several directories bear this name." if called else "There is no such directory."
        raise BadInput(sentence, remedy=_named(found) if found else _WHERE, field=FIELD)
    return called[0].entra_tenant_id
