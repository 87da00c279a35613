"""Importing leaked data: take a file, read every entry, keep the tenant's own, count all of them.

One import is one transaction: whatever ends the process in the middle, nothing of it stays, and the next run
starts anew and gives the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol
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
from emberwatch.exposures.models import Source, SourceKind
from emberwatch.ingestion.counts import ImportCounts
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.recording import Batch, Recorder
from emberwatch.matching.domains import DomainSet
from emberwatch.parsing.base import Flag, Foreign, Noise, Outcome, ParseContext, ParsedCredential, Reject
from emberwatch.parsing.registry import PARSERS, choose
from emberwatch.parsing.repeats import Repeats
from emberwatch.sources.base import LeakPart, SkippedPart, SkipReason
from emberwatch.sources.files import open_leak
from emberwatch.sources.reading import read_part
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.policy import Permission
from emberwatch.tenants.queries import monitored_domains, require
from emberwatch.vault.services import tenant_vault
from emberwatch.vault.spool import SpoolWriter, open_spool, spool_path

log = structlog.get_logger(__name__)

MOST_REJECT_SAMPLES: Final = 50
MOST_SKIPPED_PARTS: Final = 200
BATCH_SIZE: Final = 2000


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person who imports states about the data; empty means: work it out."""

    format: str = ""
    source_kind: str = ""
    source_name: str = ""
    leaked_at: datetime | None = None


class Progress(Protocol):
    def __call__(self, entries_read: int) -> None: ...


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
    wanted = _new_import(tenant, new_id(), path.name, path.stat().st_size, options, actor, clock())
    with path.open("rb") as file:
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
        file_name=_printable(file_name)[:500] or "upload",
        size=size,
        format=options.format,
        source_kind=options.source_kind,
        source_name=options.source_name.strip(),
        leaked_at=options.leaked_at,
        requested_by=actor.label,
        requested_at=now,
    )


def _printable(name: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in name)


def _run(wanted: Import, file: BinaryIO, actor: Actor, clock: Clock, progress: Progress | None) -> None:
    Import.objects.filter(pk=wanted.pk).update(state=ImportState.RUNNING)
    try:
        with transaction.atomic():
            reading = _Reading(wanted, clock(), progress)
            reading.read(file)
            _finish(wanted, reading, actor, clock())
    except EmberwatchError as error:
        _fail(wanted, error, clock())


class _Reading:
    """One pass over one file."""

    def __init__(self, wanted: Import, now: datetime, progress: Progress | None) -> None:
        self._wanted = wanted
        self._now = now
        self._progress = progress
        self._repeats = Repeats()
        self._domains = DomainSet(monitored_domains(wanted.tenant))
        self._context = ParseContext(is_ours=self._domains.owns, hints=self._domains.hints)
        self._recorder = Recorder(wanted.tenant_id, self._domains, now)
        self.read_entries = self.foreign = self.rejected = 0
        self.new = self.duplicate = 0
        self.rejects: list[dict[str, str | int]] = []
        self.skipped: list[dict[str, str]] = []
        self._other_files = 0
        self.source: Source | None = None

    def read(self, file: BinaryIO) -> None:
        for part in open_leak(file, self._wanted.file_name):
            if isinstance(part, SkippedPart):
                self._skip(part.name, part.reason)
            else:
                self._read_part(part)

    def counts(self) -> ImportCounts:
        return ImportCounts(self.read_entries, self.foreign, self.new, self.duplicate, self.rejected)

    def _read_part(self, part: LeakPart) -> None:
        forced = self._wanted.format or None
        source = self._source(self._wanted.source_kind or choose(part.head, part.name, forced).kind)
        self.source = self.source or source
        outcomes = read_part(part, self._context, forced=forced, repeats=self._repeats)
        for batch in _batches(self._sorted(part, outcomes)):
            new, duplicate = self._recorder.store(
                Batch(source, part.name, part.machine, part.machine_key, batch)
            )
            self.new += new
            self.duplicate += duplicate
            if self._progress:
                self._progress(self.read_entries)

    def _skip(self, name: str, reason: SkipReason) -> None:
        if reason is SkipReason.NOT_CREDENTIALS:
            # A stealer archive holds hundreds of these; one line for all keeps what matters in sight.
            self._other_files += 1
        else:
            self.skipped.append({"name": _printable(name), "reason": reason.label})

    def skipped_parts(self) -> list[dict[str, str]]:
        parts = self.skipped[:MOST_SKIPPED_PARTS]
        if self._other_files:
            parts.append(
                {"name": f"{self._other_files} other files", "reason": SkipReason.NOT_CREDENTIALS.label}
            )
        return parts

    def _sorted(self, part: LeakPart, outcomes: Iterator[Outcome]) -> Iterator[ParsedCredential]:
        for outcome in outcomes:
            if isinstance(outcome, Noise):
                continue
            self.read_entries += 1
            if isinstance(outcome, Foreign):
                self.foreign += 1
            elif isinstance(outcome, Reject):
                self.rejected += 1
                self._keep_sample(part, outcome)
            elif Flag.REPEATED in outcome.flags:
                # An aggregate file repeats what the browsers' own files hold: one sighting is enough.
                self.duplicate += 1
            else:
                yield outcome

    def _keep_sample(self, part: LeakPart, reject: Reject) -> None:
        if len(self.rejects) < MOST_REJECT_SAMPLES:
            self.rejects.append(
                {
                    "file": _printable(part.name),
                    "line": reject.line,
                    "reason": reject.reason.label,
                    "sample": reject.sample,
                }
            )

    def _source(self, kind: str) -> Source:
        source, _ = Source.objects.get_or_create(
            tenant_id=self._wanted.tenant_id,
            kind=kind,
            name=self._wanted.source_name or self._wanted.file_name[:200],
            leaked_at=self._wanted.leaked_at,
            defaults={"created_at": self._now},
        )
        return source


def _batches(credentials: Iterator[ParsedCredential]) -> Iterator[list[ParsedCredential]]:
    batch: list[ParsedCredential] = []
    for credential in credentials:
        batch.append(credential)
        if len(batch) >= BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _finish(wanted: Import, reading: _Reading, actor: Actor, now: datetime) -> None:
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
