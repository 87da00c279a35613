"""Checks the shape of what an admin pasted, before anything is sent anywhere. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret

CLIENT_ID: Final = "client_id"
CLIENT_SECRET: Final = "client_secret"  # noqa: S105 - a field's name
ENTRA_TENANT_ID: Final = "entra_tenant_id"

_GUID: Final = re.compile(r"\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?")
_LABELS: Final = {CLIENT_ID: "Entra Client ID", ENTRA_TENANT_ID: "Entra Tenant ID"}
_SHOWN_AS: Final = {CLIENT_ID: "Application (client) ID", ENTRA_TENANT_ID: "Directory (tenant) ID"}


@dataclass(frozen=True, slots=True)
class ShapedFields:
    client_id: UUID
    entra_tenant_id: UUID
    client_secret: Secret | None


def check_shapes(client_id: str, client_secret: Secret, entra_tenant_id: str) -> ShapedFields:
    """Returns the parsed fields; an empty secret becomes ``None`` (keep the stored one).

    Raises :class:`BadInput` with ``field`` set to the first field that cannot be right.
    """
    secret = client_secret.expose().strip()
    if _is_guid(secret):
        _refuse_guid_secret(client_id, entra_tenant_id)
    ids = {CLIENT_ID: client_id.strip(), ENTRA_TENANT_ID: entra_tenant_id.strip()}
    parsed = {name: _guid(name, value) for name, value in ids.items()}
    if parsed[CLIENT_ID] == parsed[ENTRA_TENANT_ID]:
        raise BadInput(
            "The Entra Client ID and the Entra Tenant ID are the same value.",
            remedy="Copy both from the app registration's Overview: they are two different lines.",
            field=ENTRA_TENANT_ID,
        )
    return ShapedFields(parsed[CLIENT_ID], parsed[ENTRA_TENANT_ID], Secret(secret) if secret else None)


def check_secret(client_secret: Secret) -> Secret:
    """A client secret that comes alone, without the blanks around it. Raises :class:`BadInput` likewise."""
    value = client_secret.expose().strip()
    if _is_guid(value):
        raise _id_instead_of_value()
    return Secret(value)


def _is_guid(value: str) -> bool:
    return _GUID.fullmatch(value) is not None


def _refuse_guid_secret(client_id: str, entra_tenant_id: str) -> None:
    for name, value in ((CLIENT_ID, client_id), (ENTRA_TENANT_ID, entra_tenant_id)):
        if value.strip() and not _is_guid(value.strip()):
            raise BadInput(
                f"The Entra Client Secret and the {_LABELS[name]} look swapped: the secret holds an ID.",
                remedy="Put each value into the other field.",
                field=CLIENT_SECRET,
            )
    raise _id_instead_of_value()


def _id_instead_of_value() -> BadInput:
    return BadInput(
        "This looks like the secret's ID; paste the Value.",
        remedy="Certificates & secrets shows two columns. The Value can be copied only right after the secret "
        "is made; if it is hidden by now, make a new client secret.",
        field=CLIENT_SECRET,
    )


def _guid(name: str, value: str) -> UUID:
    if not value:
        raise BadInput(f"The {_LABELS[name]} is missing.", remedy=_where(name), field=name)
    if not _is_guid(value):
        raise BadInput(
            f"The {_LABELS[name]} is not an ID such as 00000000-0000-0000-0000-000000000000.",
            remedy=_where(name),
            field=name,
        )
    return UUID(value.strip("{}"))


def _where(name: str) -> str:
    return f"Copy the {_SHOWN_AS[name]} from the app registration's Overview."
