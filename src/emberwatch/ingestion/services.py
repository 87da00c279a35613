"""Importing leaked data: take a file, read every entry, keep the tenant's own, count all of them.

One import is one transaction: whatever ends the process in the middle, nothing of it stays, and the next run
starts anew and gives the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import BadInput, Conflict, EmberwatchError
from emberwatch.core.ids import new_id
from emberwatch.engine.facts import announce
from emberwatch.exposures.models import SourceKind
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.reading import Progress, Reading, printable
from emberwatch.parsing.registry import PARSERS
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import monitored_domains, require
from emberwatch.vault.services import tenant_vault
from emberwatch.vault.spool import SpoolWriter, open_spool, spool_path

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person who imports states about the data; empty means: work it out."""

    format: str = ""
    source_kind: str = ""
    source_name: str = ""
    leaked_at: datetime | None = None


def format_names() -> list[str]:
    return [parser.name for parser in PARSERS]


def check_options(options: ImportOptions, *, now: datetime) -> None:
    """Raises :class:`BadInput` naming the option that cannot be right."""
    if options.format and options.format not in format_names():
        raise BadInput(
            f"There is no format {options.format}; choose one of {', '.join(format_names())}.", field="format"
        )
    if options.source_kind and options.source_kind not in SourceKind.values:
        known = ", ".join(SourceKind.values)
        raise BadInput(
            f"There is no source kind {options.source_kind}; choose one of {known}.", field="source_kind"
        )
    if len(options.source_name) > 200:
        raise BadInput("The source's name is longer than 200 characters.", field="source_name")
    if options.leaked_at is not None and options.leaked_at > now:
        raise BadInput("The leak's date lies in the future.", field="leaked_at")


def open_upload(tenant: Tenant, *, actor: Actor) -> tuple[UUID, SpoolWriter]:
    """A sealed place for a file that is being uploaded, and the id that its import will have."""
    require(actor, tenant, Permission.IMPORT)
    import_id = new_id()
    return import_id, SpoolWriter(_spool(import_id), tenant_vault(tenant.id), import_id)


def request_import(
    tenant: Tenant,
    import_id: UUID,
    file_name: str,
    size: int,
    options: ImportOptions,
    *,
    actor: Actor,
    now: datetime,
) -> Import:
    """Queues the import of a file whose upload is finished."""
    require(actor, tenant, Permission.IMPORT)
    check_options(options, now=now)
    _require_domains(tenant)
    with transaction.atomic():
        wanted = _new_import(tenant, import_id, file_name, size, options, actor, now)
        record(
            tenant.id,
            "import.requested",
            f"import:{import_id}",
            actor=actor,
            now=now,
            facts={"file_name": wanted.file_name, "size": size},
        )
        announce("import.requested", import_id=str(import_id))
    return wanted


def discard_upload(import_id: UUID) -> None:
    _spool(import_id).unlink(missing_ok=True)


def import_file(
    tenant: Tenant,
    path: Path,
    options: ImportOptions,
    *,
    actor: Actor,
    clock: Clock = utc_now,
    progress: Progress | None = None,
) -> Import:
    """Imports a file of this machine at once, in this process; what the command line does."""
    require(actor, tenant, Permission.IMPORT)
    check_options(options, now=clock())
    _require_domains(tenant)
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadInput(f"Cannot read {path.name}: {error.strerror}.", field="path") from None
    with file:
        wanted = _new_import(tenant, new_id(), path.name, path.stat().st_size, options, actor, clock())
        _run(wanted, file, actor, clock, progress)
    wanted.refresh_from_db()
    return wanted


def run_import(import_id: UUID, *, clock: Clock = utc_now) -> None:
    """Imports an uploaded file. Safe to repeat: a finished import is left alone."""
    wanted = Import.objects.select_related("tenant").get(pk=import_id)
    if wanted.state in (ImportState.DONE, ImportState.FAILED):
        return
    try:
        with open_spool(_spool(import_id), tenant_vault(wanted.tenant_id), import_id) as file:
            _run(wanted, file, Actor(label=wanted.requested_by), clock, None)
    except EmberwatchError as error:
        _fail(wanted, error, clock())
    discard_upload(import_id)


def _spool(import_id: UUID) -> Path:
    environment: Environment = settings.ENVIRONMENT
    return spool_path(environment.data_dir, import_id)


def _require_domains(tenant: Tenant) -> None:
    if not monitored_domains(tenant):
        raise Conflict("This tenant monitors no domain yet.", remedy="Add one under Configure → Tenants.")


def _new_import(
    tenant: Tenant,
    import_id: UUID,
    file_name: str,
    size: int,
    options: ImportOptions,
    actor: Actor,
    now: datetime,
) -> Import:
    return Import.objects.create(
        id=import_id,
        tenant=tenant,
        file_name=printable(file_name)[:500] or "upload",
        size=size,
        format=options.format,
        source_kind=options.source_kind,
        source_name=options.source_name.strip(),
        leaked_at=options.leaked_at,
        requested_by=actor.label,
        requested_at=now,
    )


def _run(wanted: Import, file: BinaryIO, actor: Actor, clock: Clock, progress: Progress | None) -> None:
    Import.objects.filter(pk=wanted.pk).update(state=ImportState.RUNNING)
    try:
        with transaction.atomic():
            reading = Reading(wanted, clock(), progress)
            reading.read(file)
            _finish(wanted, reading, actor, clock())
    except EmberwatchError as error:
        _fail(wanted, error, clock())


def _finish(wanted: Import, reading: Reading, actor: Actor, now: datetime) -> None:
    counts = reading.counts().to_dict()
    for name, number in counts.items():
        setattr(wanted, name, number)
    wanted.state = ImportState.DONE
    wanted.rejects = reading.rejects
    wanted.skipped_parts = reading.skipped_parts()
    wanted.source = reading.source
    wanted.finished_at = now
    wanted.save()
    record(wanted.tenant_id, "import.finished", f"import:{wanted.id}", actor=actor, now=now, facts=counts)
    announce("import.finished", import_id=str(wanted.id), tenant_id=str(wanted.tenant_id))
    if reading.new:
        announce("credential.recorded", tenant_id=str(wanted.tenant_id), count=reading.new)


def _fail(wanted: Import, error: EmberwatchError, now: datetime) -> None:
    log.warning("import_failed", import_id=str(wanted.id), kind=type(error).__name__)
    Import.objects.filter(pk=wanted.pk).update(state=ImportState.FAILED, error=str(error), finished_at=now)


def fail_import(import_id: UUID, error: Exception, *, clock: Clock = utc_now) -> None:
    """Ends an import that our own fault broke; the log names the kind and never what was read."""
    log.error("import_broke", import_id=str(import_id), kind=type(error).__name__)
    discard_upload(import_id)
    sentence = f"Emberwatch failed while reading the file ({type(error).__name__}); nothing of it was stored."
    _fail(Import.objects.get(pk=import_id), EmberwatchError(sentence), clock())
