"""What the last check found beside its items, under the names that API and command line share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from emberwatch.directories.entra.clouds import cloud_named
from emberwatch.directories.keys import keys_of
from emberwatch.directories.models import ConnectionKey, DirectoryConnection, KeyKind
from emberwatch.directories.services import environment


@dataclass(frozen=True, slots=True)
class Links:
    """Where an admin mends a connection, in its own cloud."""

    consent: str
    permissions: str
    credentials: str


def links_of(connection: DirectoryConnection) -> Links:
    cloud, client_id = cloud_named(connection.cloud, environment().custom_cloud), connection.client_id
    return Links(
        consent=cloud.consent_link(connection.entra_tenant_id, client_id),
        permissions=cloud.app_link(client_id, "CallAnAPI"),
        credentials=cloud.app_link(client_id, "Credentials"),
    )


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key without what it holds."""

    id: UUID
    kind: KeyKind
    label: str
    thumbprint: str
    ends_at: datetime | None
    added_at: datetime
    works: bool | None
    in_use: bool
    checked_at: datetime | None
    sentence: str
    remedy: str
    code: str


def key_states(connection: DirectoryConnection) -> list[KeyState]:
    """The key in use first."""
    return [_state(row, is_first=place == 0) for place, row in enumerate(keys_of(connection))]


def _state(row: ConnectionKey, *, is_first: bool) -> KeyState:
    return KeyState(
        id=row.pk,
        kind=KeyKind(row.kind),
        label=KeyKind(row.kind).label,
        thumbprint=row.thumbprint,
        ends_at=row.ends_at,
        added_at=row.added_at,
        works=row.works,
        in_use=is_first and row.works is not False,
        checked_at=row.checked_at,
        sentence=row.sentence,
        remedy=row.remedy,
        code=row.code,
    )


def diagnosis_of(connection: DirectoryConnection) -> dict[str, object]:
    links = links_of(connection)
    return {
        "capabilities": connection.capabilities,
        "surplus_permissions": connection.surplus,
        "keys": key_states(connection),
        "clock_seconds": connection.clock_seconds,
        "consent_link": links.consent,
        "permissions_link": links.permissions,
        "credentials_link": links.credentials,
    }
