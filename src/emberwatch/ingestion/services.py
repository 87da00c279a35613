"""Importing leaked data: take a file, read every entry, keep the tenant's own, count all of them.

An import is asked for here. ``planning`` cuts its file into pieces, ``running`` works on them, ``undoing`` takes
back what an import brought.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.config.environment import Environment
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import BadInput, Conflict
from emberwatch.core.ids import new_id
from emberwatch.core.secret import Secret
from emberwatch.engine.facts import announce
from emberwatch.exposures.models import SourceKind
from emberwatch.ingestion.columns import columns_of, is_table
from emberwatch.ingestion.context import sealed_passwords
from emberwatch.ingestion.locations import Found, is_below, look_at, spool_of
from emberwatch.ingestion.models import Import, ImportState, Piece, PieceState
from emberwatch.ingestion.pieces import Progress
from emberwatch.ingestion.running import plan_import, run_open_pieces
from emberwatch.ingestion.streams import printable
from emberwatch.parsing.registry import PARSERS
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import monitored_domains, require
from emberwatch.vault.services import tenant_vault
from emberwatch.vault.spool import SpoolWriter, spool_path


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person who imports states about the data; empty means: work it out."""

    format: str = ""
    source_kind: str = ""
    source_name: str = ""
    leaked_at: datetime | None = None
    breached_at: datetime | None = None
    passwords: tuple[Secret, ...] = ()
    """To try on protected archives, in this order."""
    columns: tuple[str, ...] = ()
    """The role of each column of a table, when the parser's own idea was put right."""
    review: bool = False
    """A table waits until somebody has looked at its columns; other files do not wait."""


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
    for field in ("leaked_at", "breached_at"):
        date = getattr(options, field)
        if date is not None and date > now:
            raise BadInput("The leak's date lies in the future.", field=field)


def open_upload(tenant: Tenant, *, actor: Actor) -> tuple[UUID, SpoolWriter]:
    """A sealed place for a file that is being uploaded, and the id that its import will have."""
    require(actor, tenant, Permission.IMPORT)
    import_id = new_id()
    return import_id, SpoolWriter(spool_place(import_id), tenant_vault(tenant.id), import_id)


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
        if not _waits(wanted, options):
            announce("import.requested", import_id=str(import_id))
    return wanted


def _waits(wanted: Import, options: ImportOptions) -> bool:
    """Whether it is a table whose columns somebody wants to see; refuses columns that do not fit the file."""
    if wanted.columns:
        columns_of(wanted)
    elif options.review and is_table(wanted):
        wanted.state = ImportState.REVIEW
        wanted.save(update_fields=["state"])
        return True
    return False


def discard_upload(import_id: UUID) -> None:
    spool_place(import_id).unlink(missing_ok=True)


def request_location(
    tenant: Tenant,
    found: Found,
    options: ImportOptions,
    *,
    actor: Actor,
    now: datetime,
    announces: bool = True,
) -> Import:
    """Queues the import of a file that lies where workers see it, or begins that of one which only we see."""
    require(actor, tenant, Permission.IMPORT)
    check_options(options, now=now)
    _require_domains(tenant)
    with transaction.atomic():
        wanted = _new_import(tenant, new_id(), found.name, found.size, options, actor, now, found=found)
        if not _waits(wanted, options) and announces:
            announce("import.requested", import_id=str(wanted.pk))
    return wanted


def import_file(
    tenant: Tenant,
    path: Path,
    options: ImportOptions,
    *,
    actor: Actor,
    clock: Clock = utc_now,
    progress: Progress | None = None,
) -> Import:
    """Imports a file of this machine at once, in this process."""
    wanted = begin_file(tenant, str(path), options, actor=actor, clock=clock)
    run_open_pieces(wanted.pk, clock=clock, progress=progress)
    wanted.refresh_from_db()
    return wanted


def begin_file(
    tenant: Tenant, location: str, options: ImportOptions, *, actor: Actor, clock: Clock = utc_now
) -> Import:
    """Makes the import of a file and its pieces, or finds the one that was interrupted, to be worked on here.

    Where every worker sees the file, the pieces are announced too: whoever is free takes part.
    """
    require(actor, tenant, Permission.IMPORT)
    check_options(options, now=clock())
    _require_domains(tenant)
    found = look_at(location)
    wanted = _interrupted(tenant, found, options) or request_location(
        tenant, found, options, actor=actor, now=clock(), announces=False
    )
    plan_import(wanted.pk, clock=clock, announces=wanted.is_shared)
    return wanted


def _interrupted(tenant: Tenant, found: Found, options: ImportOptions) -> Import | None:
    """The import of this very file with these very options that has not ended."""
    return (
        Import.objects.filter(
            tenant=tenant,
            location=found.location,
            size=found.size,
            stamp=found.stamp,
            state__in=(ImportState.QUEUED, ImportState.RUNNING),
            format=options.format,
            source_kind=options.source_kind,
            source_name=options.source_name.strip(),
            leaked_at=options.leaked_at,
            breached_at=options.breached_at,
            columns=list(options.columns),
        )
        .order_by("-id")
        .first()
    )


def retry_import(wanted: Import, *, actor: Actor, now: datetime) -> None:
    """Goes on with an import that failed: pieces that were read stay, the others are tried again."""
    require(actor, wanted.tenant, Permission.IMPORT)
    if not wanted.location and not spool_of(wanted).exists():
        raise Conflict("The uploaded file was removed meanwhile.", remedy="Upload it again.")
    with transaction.atomic():
        failed = Import.objects.select_for_update().filter(pk=wanted.pk, state=ImportState.FAILED)
        if not failed.update(state=ImportState.QUEUED, error="", finished_at=None):
            raise Conflict("Only an import that failed can be tried again.")
        Piece.objects.filter(whole=wanted, state=PieceState.FAILED).update(state=PieceState.QUEUED, error="")
        _record(wanted, "import.retried", actor, now)
        announce("import.requested", import_id=str(wanted.pk))
        for piece_id in Piece.objects.filter(whole=wanted, state=PieceState.QUEUED).values_list(
            "pk", flat=True
        ):
            announce("import.piece_ready", piece_id=str(piece_id))


def spool_place(import_id: UUID) -> Path:
    """Where the sealed upload of an import lies."""
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
    *,
    found: Found | None = None,
) -> Import:
    environment: Environment = settings.ENVIRONMENT
    wanted = Import(
        id=import_id,
        tenant=tenant,
        file_name=printable(file_name)[:500] or "upload",
        size=size,
        location=found.location if found else "",
        stamp=found.stamp if found else None,
        is_shared=found is not None
        and any(is_below(found.location, folder) for folder in environment.shared_folders),
        format=options.format,
        source_kind=options.source_kind,
        source_name=options.source_name.strip(),
        leaked_at=options.leaked_at,
        breached_at=options.breached_at,
        columns=list(options.columns),
        requested_by=actor.label,
        requested_at=now,
    )
    wanted.sealed_passwords = sealed_passwords(wanted, options.passwords)
    wanted.save(force_insert=True)
    _record(wanted, "import.requested", actor, now, size=size, file_name=wanted.file_name)
    return wanted


def _record(wanted: Import, action: str, actor: Actor, now: datetime, **facts: object) -> None:
    record(wanted.tenant_id, action, f"import:{wanted.pk}", actor=actor, now=now, facts=facts)
