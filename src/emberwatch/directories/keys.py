"""What the application proves itself with: secrets, certificates and federation, sealed, two at most side by side."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db.models import F

from emberwatch.config.environment import Environment
from emberwatch.core.errors import BadInput, Conflict, NotFound
from emberwatch.core.secret import Secret
from emberwatch.directories.base import (
    AppKey,
    ClientCertificate,
    ClientSecret,
    FederatedToken,
    KeyFinding,
    Proof,
)
from emberwatch.directories.entra.certificates import CERTIFICATE, read_certificate
from emberwatch.directories.entra.shapes import check_secret
from emberwatch.directories.models import ConnectionKey, DirectoryConnection, KeyKind
from emberwatch.vault.services import tenant_vault

MOST_KEYS: Final = 2
FEDERATED: Final = "federated"
_SHOWN_OF_THUMBPRINT: Final = 8


def _nothing() -> Secret:
    return Secret("")


@dataclass(frozen=True, slots=True)
class KeyForm:
    """One way to prove who the application is, as it was given. ``certificate`` is the file in base64."""

    client_secret: Secret = field(repr=False, default_factory=_nothing)
    certificate: Secret = field(repr=False, default_factory=_nothing)
    certificate_password: Secret = field(repr=False, default_factory=_nothing)
    federated: bool = False


def file_in_base64(data: bytes) -> Secret:
    """A certificate's file in the form that :class:`KeyForm` takes."""
    return Secret(base64.b64encode(data).decode())


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key whose shape is right; ``plain`` is what will be sealed."""

    kind: KeyKind
    plain: Secret = field(repr=False)
    thumbprint: str = ""
    ends_at: datetime | None = None


def shaped_key(form: KeyForm, environment: Environment, now: datetime) -> NewKey | None:
    """The one key that a form holds, or ``None``. Raises :class:`BadInput` with ``field``."""
    given = (bool(form.client_secret.expose().strip()), bool(form.certificate.expose()), form.federated)
    if sum(given) > 1:
        raise BadInput(
            "Give one of client secret, certificate and federated credential at a time.",
            remedy="A second one can be added when this one works.",
            field=CERTIFICATE if form.certificate.expose() else FEDERATED,
        )
    if given[0]:
        return NewKey(KeyKind.SECRET, check_secret(form.client_secret))
    if given[1]:
        return _certificate(form, now)
    return _federation(environment) if given[2] else None


def _certificate(form: KeyForm, now: datetime) -> NewKey:
    try:
        data = base64.b64decode(form.certificate.expose(), validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("The certificate is not in base64.", field=CERTIFICATE) from None
    read = read_certificate(data, form.certificate_password, now)
    return NewKey(KeyKind.CERTIFICATE, read.pem, read.thumbprint, read.ends_at)


def _federation(environment: Environment) -> NewKey:
    if environment.federated_token_path is None:
        raise BadInput(
            "This installation has no federated token.",
            remedy="The operator names its file in EMBERWATCH_FEDERATED_TOKEN_PATH.",
            field=FEDERATED,
        )
    return NewKey(KeyKind.FEDERATION, Secret(""))


def keys_of(connection: DirectoryConnection) -> list[ConnectionKey]:
    """The keys in the order in which they are tried: what works before what does not, the newer first."""
    rows = ConnectionKey.objects.filter(connection_id=connection.pk)
    return list(rows.order_by(F("works").desc(nulls_first=True), "-added_at", "-id"))


def replace_keys(connection: DirectoryConnection, key: NewKey, now: datetime) -> ConnectionKey:
    """One key in the place of all that there are."""
    ConnectionKey.objects.filter(connection_id=connection.pk).delete()
    return _store(connection, key, now)


def put_beside(connection: DirectoryConnection, key: NewKey, now: datetime) -> ConnectionKey:
    """A further key. Raises :class:`Conflict` when there is no room, or when it is there already."""
    held = keys_of(connection)
    if len(held) >= MOST_KEYS:
        raise Conflict(
            f"The application has {len(held)} keys already.",
            remedy="Remove the one that is not needed any more.",
        )
    if any(_is_same(connection, row, key) for row in held):
        raise Conflict("This very key is stored already.")
    return _store(connection, key, now)


def _is_same(connection: DirectoryConnection, row: ConnectionKey, key: NewKey) -> bool:
    return row.kind == key.kind and (
        row.kind == KeyKind.FEDERATION or _opened(connection.tenant_id, row) == key.plain
    )


def take_away(connection: DirectoryConnection, key_id: UUID) -> ConnectionKey:
    held = {row.pk: row for row in keys_of(connection)}
    if key_id not in held:
        raise NotFound("There is no such key.")
    if len(held) == 1:
        raise Conflict("This is the only key of the application.", remedy="Add another one first.")
    row = held[key_id]
    ConnectionKey.objects.filter(pk=row.pk).delete()
    return row


def _store(connection: DirectoryConnection, key: NewKey, now: datetime) -> ConnectionKey:
    row = ConnectionKey(
        connection=connection, kind=key.kind, thumbprint=key.thumbprint, ends_at=key.ends_at, added_at=now
    )
    if key.kind != KeyKind.FEDERATION:
        row.sealed = tenant_vault(connection.tenant_id).seal(key.plain, _context(row))
    row.save()
    return row


def _context(row: ConnectionKey) -> str:
    return f"directory:{row.pk}:client_secret"


def _opened(tenant_id: UUID, row: ConnectionKey) -> Secret:
    return tenant_vault(tenant_id).open(bytes(row.sealed), _context(row))


def app_keys(connection: DirectoryConnection, token_path: Path | None) -> tuple[AppKey, ...]:
    """The keys for the adapter, opened, in their order."""
    return tuple(
        AppKey(_proof(connection.tenant_id, row, token_path), label_of(row), row.pk, row.ends_at)
        for row in keys_of(connection)
    )


def label_of(row: ConnectionKey) -> str:
    """What to call a key in a sentence, so that two can be told apart."""
    if row.kind == KeyKind.CERTIFICATE:
        return f"the certificate {row.thumbprint[:_SHOWN_OF_THUMBPRINT]}…"
    if row.kind == KeyKind.FEDERATION:
        return "the federated credential"
    return f"the client secret added on {row.added_at.astimezone(UTC):%Y-%m-%d}"


def _proof(tenant_id: UUID, row: ConnectionKey, token_path: Path | None) -> Proof:
    if row.kind == KeyKind.FEDERATION:
        # A path that does not exist gives the sentence that says so.
        return FederatedToken(token_path or Path("no federated token is set"))
    opened = _opened(tenant_id, row)
    return ClientSecret(opened) if row.kind == KeyKind.SECRET else ClientCertificate(opened)


def remember_findings(
    connection: DirectoryConnection, findings: Sequence[KeyFinding], checked_at: datetime
) -> bool:
    """Writes down what a check found of each key; true when another key comes first now."""
    before = [row.pk for row in keys_of(connection)]
    for found in findings:
        facts = {
            "works": found.works,
            "checked_at": checked_at,
            "sentence": found.sentence,
            "remedy": found.remedy,
            "code": found.code,
        } | ({"ends_at": found.ends_at} if found.ends_at else {})
        ConnectionKey.objects.filter(connection_id=connection.pk, pk=found.key_id).update(**facts)
    return before != [row.pk for row in keys_of(connection)]
