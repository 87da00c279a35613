"""Connecting a tenant to its directory, checking the connection, and opening it for a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from threading import Lock
from typing import Any, Final, TypeAlias
from uuid import UUID

from django.conf import settings as django_settings
from django.db import transaction

from emberwatch.accounts.actor import SYSTEM, Actor
from emberwatch.audit.services import record
from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import BadInput
from emberwatch.core.secret import Secret
from emberwatch.directories.base import CheckReport, ConnectionSettings, Directory
from emberwatch.directories.calls import recorder
from emberwatch.directories.entra.clouds import cloud_named, clouds
from emberwatch.directories.entra.shapes import ShapedFields, check_shapes
from emberwatch.directories.keys import (
    KeyForm,
    NewKey,
    app_keys,
    keys_of,
    put_beside,
    remember_findings,
    replace_keys,
    shaped_key,
    take_away,
)
from emberwatch.directories.models import ConnectionStatus, DirectoryConnection, KeyKind
from emberwatch.directories.queries import connection_to, connections_of, required_connection
from emberwatch.directories.registry import CONNECTORS
from emberwatch.engine.facts import announce
from emberwatch.matching.watchlist import is_at_or_below
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import monitored_domains, require, require_organisation_admin

Opener: TypeAlias = Callable[[DirectoryConnection], Directory]


@dataclass(frozen=True, slots=True)
class ConnectionForm:
    """The fields of the page Entra ID Configuration, as they were typed."""

    client_id: str
    entra_tenant_id: str
    cloud: str
    client_secret: Secret = field(repr=False)
    other_key: KeyForm = field(default_factory=KeyForm)
    """A certificate or federation in the place of the secret."""

    @property
    def key(self) -> KeyForm:
        return replace(self.other_key, client_secret=self.client_secret)


def environment() -> Environment:
    current: Environment = django_settings.ENVIRONMENT
    return current


def offered_clouds() -> list[tuple[str, str]]:
    return [(cloud.name, cloud.label) for cloud in clouds(environment().custom_cloud).values()]


def save_connection(
    tenant: Tenant,
    form: ConnectionForm,
    *,
    actor: Actor,
    now: datetime,
    directory: UUID | None = None,
    adds: bool = False,
) -> tuple[DirectoryConnection, CheckReport]:
    """Checks the fields' shapes, stores them sealed, then checks the connection and stores what it found.

    ``directory``: which one is changed, where the tenant has several. ``adds``: it is a further one.
    Raises :class:`BadInput` (with ``field``) before anything is stored or sent. A connection that does not
    work is stored with the status Error, so that nothing that was typed is lost.
    """
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    cloud_named(form.cloud, environment().custom_cloud)
    fields = check_shapes(form.client_id, form.client_secret, form.entra_tenant_id)
    key = _shaped(form.key, actor, now)
    with transaction.atomic():
        # Two first saves at once must not both believe that there is no connection yet.
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        stored = None if adds else _meant(tenant, fields, directory)
        connection = _store(tenant, stored, form.cloud, fields, key, now)
        facts = {
            "cloud": connection.cloud,
            "client_id": str(connection.client_id),
            "secret_replaced": key is not None,
        }
        _audit(connection, "directory.saved", actor, now, facts | _told_of(key))
    return connection, check_connection(tenant, actor=actor, directory=connection.entra_tenant_id)


def _meant(tenant: Tenant, fields: ShapedFields, directory: UUID | None) -> DirectoryConnection | None:
    """The connection that a form is about; ``None`` when it is the tenant's first one."""
    if directory is None:
        same = connection_to(tenant.id, fields.entra_tenant_id)
        if same is not None or not connections_of(tenant.id):
            return same
    return required_connection(tenant.id, directory)


def _shaped(form: KeyForm, actor: Actor, now: datetime) -> NewKey | None:
    key = shaped_key(form, environment(), now)
    if key is not None and key.kind == KeyKind.FEDERATION:
        # The platform's token is the operator's: with it a tenant's admin could open another tenant's directory.
        require_organisation_admin(actor)
    return key


def _told_of(key: NewKey | None) -> dict[str, str]:
    return {} if key is None else {"key": key.kind.value, "thumbprint": key.thumbprint}


def _store(
    tenant: Tenant,
    stored: DirectoryConnection | None,
    cloud: str,
    fields: ShapedFields,
    key: NewKey | None,
    now: datetime,
) -> DirectoryConnection:
    connection = stored or DirectoryConnection(tenant=tenant, created_at=now)
    same = connection_to(tenant.id, fields.entra_tenant_id)
    if same is not None and same.pk != connection.pk:
        raise BadInput("This tenant is connected to this directory already.", field="entra_tenant_id")
    if stored is not None and key is None and _leads_elsewhere(connection, cloud, fields):
        # Otherwise a stored secret could be sent to a place that its owner never named.
        raise BadInput(
            "Enter the Entra Client Secret again: the cloud or an ID has changed.",
            remedy="A certificate or federation has to be given again too.",
            field="client_secret",
        )
    if key is None and not keys_of(connection):
        raise BadInput("The Entra Client Secret is missing.", field="client_secret")
    connection.cloud = cloud
    connection.entra_tenant_id = fields.entra_tenant_id
    connection.client_id = fields.client_id
    connection.status = ConnectionStatus.ERROR
    connection.status_sentence = "Not checked yet."
    connection.updated_at = now
    connection.save()
    if key is not None:
        replace_keys(connection, key, now)
    return connection


def add_key(
    tenant: Tenant, form: KeyForm, *, actor: Actor, now: datetime, directory: UUID | None = None
) -> CheckReport:
    """Puts a second key beside the one in use and checks both; raises :class:`BadInput` or :class:`Conflict`."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    key = _shaped(form, actor, now)
    if key is None:
        raise BadInput(
            "Give a client secret, a certificate or a federated credential.", field="client_secret"
        )
    with transaction.atomic():
        connection = _locked(tenant, directory)
        put_beside(connection, key, now)
        _keys_changed(connection, now)
        _audit(connection, "directory.key_added", actor, now, _told_of(key))
    return check_connection(tenant, actor=actor, directory=connection.entra_tenant_id)


def remove_key(
    tenant: Tenant, key_id: UUID, *, actor: Actor, now: datetime, directory: UUID | None = None
) -> CheckReport:
    """Takes one of two keys away and checks with the other."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    with transaction.atomic():
        connection = _locked(tenant, directory)
        row = take_away(connection, key_id)
        _keys_changed(connection, now)
        facts = {"key": row.kind, "thumbprint": row.thumbprint}
        _audit(connection, "directory.key_removed", actor, now, facts)
    return check_connection(tenant, actor=actor, directory=connection.entra_tenant_id)


def _locked(tenant: Tenant, directory: UUID | None) -> DirectoryConnection:
    found = required_connection(tenant.id, directory)
    return DirectoryConnection.objects.select_for_update().get(pk=found.pk)


def _keys_changed(connection: DirectoryConnection, now: datetime) -> None:
    """An adapter that is open elsewhere holds the keys of before: it is opened again."""
    connection.updated_at = now
    connection.save(update_fields=["updated_at"])


def _audit(
    connection: DirectoryConnection, action: str, actor: Actor, now: datetime, facts: dict[str, Any]
) -> None:
    subject = f"directory:{connection.entra_tenant_id}"
    record(connection.tenant_id, action, subject, actor=actor, now=now, facts=facts)


def _leads_elsewhere(connection: DirectoryConnection, cloud: str, fields: ShapedFields) -> bool:
    stored = (connection.cloud, connection.entra_tenant_id, connection.client_id)
    return stored != (cloud, fields.entra_tenant_id, fields.client_id)


def check_connection(
    tenant: Tenant,
    *,
    actor: Actor,
    clock: Clock = utc_now,
    directory_for: Opener | None = None,
    directory: UUID | None = None,
) -> CheckReport:
    """Tries the stored connection and stores the result; a good check lifts a halt."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    connection = required_connection(tenant.id, directory)
    with opened(connection, directory_for) as asked:
        report = asked.check(_expected_domains(tenant, connection))
    with transaction.atomic():
        connection = DirectoryConnection.objects.select_for_update().get(pk=connection.pk)
        _remember(connection, report)
        facts = {"status": connection.status, "sentence": connection.status_sentence}
        _audit(connection, "directory.checked", actor, clock(), facts)
        announce("directory.checked", tenant_id=str(tenant.id))
    return report


def _expected_domains(tenant: Tenant, connection: DirectoryConnection) -> list[str]:
    """The monitored domains that no other directory of the tenant has verified."""
    elsewhere = {
        str(domain["name"])
        for other in connections_of(tenant.id)
        if other.pk != connection.pk
        for domain in other.domains
        if domain["is_verified"]
    }
    return [name for name in monitored_domains(tenant) if not is_at_or_below(name, elsewhere)]


def _remember(connection: DirectoryConnection, report: CheckReport) -> None:
    fault = report.fault
    if remember_findings(connection, report.keys, report.checked_at):
        connection.updated_at = report.checked_at
    connection.last_check_at = report.checked_at
    connection.check_items = [asdict(item) for item in report.items]
    connection.status = ConnectionStatus.ERROR if fault else ConnectionStatus.ACTIVE
    connection.status_sentence = f"{fault.sentence} {fault.remedy}".strip() if fault else ""
    connection.clock_seconds = report.clock_seconds
    connection.capabilities = [asdict(found) for found in report.capabilities]
    connection.surplus = [asdict(found) for found in report.surplus]
    if fault is None:
        connection.last_good_check_at = report.checked_at
        connection.halted_at = None
        connection.permissions = list(report.permissions)
        connection.domains = [asdict(domain) for domain in report.domains]
        connection.organisation_name = report.organisation_name
        connection.lockout_threshold = report.policy.lockout_threshold if report.policy else None
        connection.lockout_seconds = report.policy.lockout_seconds if report.policy else None
    connection.save()


def set_disabled(
    tenant: Tenant, disabled: bool, *, actor: Actor, now: datetime, directory: UUID | None = None
) -> DirectoryConnection:
    """Switches a connection off (nothing is read or sent) or on again (it is checked first)."""
    require(actor, tenant, Permission.CONFIGURE_DIRECTORY)
    with transaction.atomic():
        connection = _locked(tenant, directory)
        connection.status = ConnectionStatus.DISABLED if disabled else ConnectionStatus.ERROR
        connection.status_sentence = "Switched off by an admin." if disabled else "Not checked yet."
        connection.save()
        _audit(connection, "directory.disabled" if disabled else "directory.enabled", actor, now, {})
    return connection


def halt_everywhere(entra_tenant_id: UUID, sentence: str, *, now: datetime, facts: dict[str, Any]) -> None:
    """Stops every connection to one directory, whichever tenant it belongs to."""
    rows = DirectoryConnection.objects.filter(entra_tenant_id=entra_tenant_id, halted_at=None)
    for connection in rows.exclude(status=ConnectionStatus.DISABLED).order_by("pk"):
        halt(connection.id, sentence, now=now, facts=facts)


def lockout_policy(connection: DirectoryConnection) -> tuple[int, int]:
    """Failed tries that lock an account, and the most failed attempts that the cloud's rule allows us."""
    cloud = cloud_named(connection.cloud, environment().custom_cloud)
    return connection.lockout_threshold or cloud.lockout_threshold, cloud.max_failed_attempts


def halt(connection_id: UUID, sentence: str, *, now: datetime, facts: dict[str, Any]) -> None:
    """Stops a directory until a check is good again; runs inside the caller's transaction."""
    connection = DirectoryConnection.objects.select_for_update().get(pk=connection_id)
    connection.status = ConnectionStatus.ERROR
    connection.status_sentence = sentence
    connection.halted_at = now
    connection.save()
    subject = f"directory:{connection.entra_tenant_id}"
    record(
        connection.tenant_id, "directory.halted", subject, actor=SYSTEM, now=now, reason=sentence, facts=facts
    )
    announce("directory.halted", tenant_id=str(connection.tenant_id))


def open_directory(
    connection: DirectoryConnection, clock: Clock = utc_now, *, dry_run: bool = False
) -> Directory:
    """The live adapter of a connection; the caller closes it. One for a dry run cannot change anything."""
    settings = ConnectionSettings(
        cloud=connection.cloud,
        entra_tenant_id=connection.entra_tenant_id,
        client_id=connection.client_id,
        keys=app_keys(connection, environment().federated_token_path),
    )
    return CONNECTORS[connection.kind](
        settings, environment(), clock, recorder(connection.pk), dry_run=dry_run
    )


@contextmanager
def opened(connection: DirectoryConnection, directory_for: Opener | None = None) -> Iterator[Directory]:
    directory = (directory_for or open_directory)(connection)
    try:
        yield directory
    finally:
        directory.close()


def shared_directory(connection: DirectoryConnection) -> Directory:
    """The adapter that this process keeps open for a connection, so that jobs share its token and sockets."""
    with _sharing:
        kept = _shared.get(connection.pk)
        if kept is None or kept[0] != connection.updated_at:
            # An adapter that is replaced may still be in use by another thread; it closes when that lets go.
            kept = _shared[connection.pk] = (connection.updated_at, open_directory(connection))
        return kept[1]


_sharing: Final = Lock()
_shared: Final[dict[UUID, tuple[datetime, Directory]]] = {}


def user_link(connection: DirectoryConnection, object_id: UUID) -> str:
    """The direct link to an account in the admin center of the connection's cloud; sends nothing."""
    return cloud_named(connection.cloud, environment().custom_cloud).user_link(object_id)
