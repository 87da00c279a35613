"""Runs imports: plans them, works on their pieces, and ends them when the last piece has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Sum

from emberwatch.accounts.actor import Actor
from emberwatch.audit.services import record
from emberwatch.core.clock import Clock, utc_now
from emberwatch.core.errors import EmberwatchError
from emberwatch.engine.facts import announce
from emberwatch.exposures.models import Source
from emberwatch.ingestion.counts import COUNTS, ImportCounts
from emberwatch.ingestion.locations import spool_of
from emberwatch.ingestion.models import Import, ImportState, Piece, PieceState
from emberwatch.ingestion.pieces import MOST_SAMPLES, MOST_SKIPPED, Progress, alone, read_piece
from emberwatch.ingestion.planning import plan
from emberwatch.sources.base import SkipReason

_LOSSES: Final = frozenset(reason.label for reason in SkipReason if reason.is_loss)

log = structlog.get_logger(__name__)


def plan_import(import_id: UUID, *, clock: Clock = utc_now, announces: bool = True) -> None:
    """Cuts an import into pieces. Safe to repeat; an import that has ended is left alone."""
    wanted = Import.objects.select_related("tenant").get(pk=import_id)
    begun = Import.objects.filter(pk=import_id, state__in=(ImportState.QUEUED, ImportState.RUNNING))
    if not begun.update(state=ImportState.RUNNING, started_at=wanted.started_at or clock()):
        return
    try:
        plan(wanted, clock=clock, announces=announces)
    except EmberwatchError as error:
        fail_import(import_id, error, clock=clock)
        return
    end_if_read(import_id, clock=clock)


def run_piece(piece_id: UUID, *, clock: Clock = utc_now, progress: Progress | None = None) -> bool:
    """Works on one piece to its end; ``False`` when another process is working on it. Safe to repeat."""
    piece = Piece.objects.select_related("whole__tenant").get(pk=piece_id)
    with alone(piece) as is_ours:
        if not is_ours:
            return False
        piece.refresh_from_db()
        if piece.state == PieceState.QUEUED and piece.whole.state == ImportState.RUNNING:
            _read(piece, clock, progress)
    end_if_read(piece.whole_id, clock=clock)
    return True


def _read(piece: Piece, clock: Clock, progress: Progress | None) -> None:
    try:
        read_piece(piece, piece.whole, clock=clock, progress=progress)
    except EmberwatchError as error:
        _fail_piece(piece, str(error))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # The log names the kind and never what was read.
        log.exception("piece_broke", piece_id=str(piece.pk), kind=type(error).__name__, exc_info=False)
        _fail_piece(piece, f"Emberwatch failed while reading the file ({type(error).__name__}).")


def _fail_piece(piece: Piece, sentence: str) -> None:
    Piece.objects.filter(pk=piece.pk).update(state=PieceState.FAILED, error=sentence)


def run_open_pieces(import_id: UUID, *, clock: Clock = utc_now, progress: Progress | None = None) -> bool:
    """Works on every piece that nobody else works on; ``False`` when some were left to others."""
    tried = set[UUID]()
    left_out = False
    while True:
        waiting = Piece.objects.filter(whole_id=import_id, state=PieceState.QUEUED).exclude(pk__in=tried)
        piece_id = waiting.order_by("number").values_list("pk", flat=True).first()
        if piece_id is None:
            return not left_out
        tried.add(piece_id)
        left_out |= not run_piece(piece_id, clock=clock, progress=progress)


def end_if_read(import_id: UUID, *, clock: Clock) -> None:
    """Ends an import whose pieces have all ended: sums up, and tells everybody."""
    # Asked before the row is locked: the lock waits for the steps of all others, and they then wait for it. Whoever
    # ends the last piece sees none that waits.
    if Piece.objects.filter(whole_id=import_id, state=PieceState.QUEUED).exists():
        return
    with transaction.atomic():
        wanted = Import.objects.select_for_update().get(pk=import_id)
        pieces = Piece.objects.filter(whole=wanted)
        if wanted.state != ImportState.RUNNING or not wanted.is_planned:
            return
        if pieces.filter(state=PieceState.QUEUED).exists():
            return
        _sum_up(wanted, list(pieces), clock())
        facts = {name: getattr(wanted, name) for name in COUNTS}
        actor = Actor(label=wanted.requested_by)
        record(
            wanted.tenant_id,
            "import.finished" if wanted.state == ImportState.DONE else "import.failed",
            f"import:{wanted.pk}",
            actor=actor,
            now=clock(),
            facts=facts,
        )
        announce("import.finished", import_id=str(wanted.pk), tenant_id=str(wanted.tenant_id))
    if wanted.state == ImportState.DONE:
        spool_of(wanted).unlink(missing_ok=True)


def _sum_up(wanted: Import, pieces: list[Piece], now: datetime) -> None:
    for name, number in summed(wanted.pk).to_dict().items():
        setattr(wanted, name, number)
    cookies = [ImportCounts.from_dict(piece.cookies) for piece in pieces if piece.cookies]
    wanted.cookies = sum(cookies, ImportCounts()).to_dict() if cookies else {}
    wanted.rejects = [sample for piece in pieces for sample in piece.rejects][:MOST_SAMPLES]
    wanted.skipped_parts = skipped_parts(pieces)
    failed = [piece for piece in pieces if piece.state == PieceState.FAILED]
    wanted.error = failed[0].error if failed else _why_nothing_was_read(wanted)
    wanted.state = ImportState.FAILED if wanted.error else ImportState.DONE
    wanted.source = _first_source(wanted)
    wanted.finished_at = now
    wanted.save()


def _why_nothing_was_read(wanted: Import) -> str:
    """What kept everything in the file from being read, if that is so: such an import is not done."""
    if wanted.read or wanted.cookies:
        return ""
    lost = [p for p in wanted.skipped_parts if p["name"] == wanted.file_name or p["reason"] in _LOSSES]
    return f"Nothing in this file could be read. {lost[0]['reason']}." if lost else ""


def _first_source(wanted: Import) -> Source | None:
    if not wanted.matched and not wanted.cookies:
        return None
    sources = Source.objects.order_by("id")
    return (
        sources.filter(sightings__import_id=wanted.pk).first()
        or sources.filter(cookies__import_id=wanted.pk).first()
    )


def summed(import_id: UUID) -> ImportCounts:
    """Counts of an import, which are those of its pieces and never counted up by themselves."""
    sums = Piece.objects.filter(whole_id=import_id).aggregate(**{name: Sum(name) for name in COUNTS})
    return ImportCounts.from_dict({name: number or 0 for name, number in sums.items()})


def skipped_parts(pieces: list[Piece]) -> list[dict[str, str]]:
    parts = [part for piece in pieces for part in piece.skipped_parts][:MOST_SKIPPED]
    if others := sum(piece.other_files for piece in pieces):
        parts.append({"name": f"{others} other files", "reason": SkipReason.NOT_CREDENTIALS.label})
    return parts


def fail_import(import_id: UUID, error: EmberwatchError, *, clock: Clock = utc_now) -> None:
    log.warning("import_failed", import_id=str(import_id), kind=type(error).__name__)
    running = Import.objects.filter(pk=import_id, state__in=(ImportState.QUEUED, ImportState.RUNNING))
    running.update(state=ImportState.FAILED, error=str(error), finished_at=clock())


def run_import(import_id: UUID, *, clock: Clock = utc_now) -> None:
    """All of an import in this process. Safe to repeat."""
    plan_import(import_id, clock=clock, announces=False)
    run_open_pieces(import_id, clock=clock)
