"""Runs one piece of an import: reads it from its checkpoint on, and stores each step with the next checkpoint.

One transaction holds the rows, the counts and the checkpoint of a step. Whatever ends the process, the piece goes
on where its last transaction ended, and nothing is counted or stored twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, Protocol

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg import errors

from emberwatch.core.clock import Clock
from emberwatch.ingestion.context import read_request
from emberwatch.ingestion.counts import ImportCounts
from emberwatch.ingestion.locations import opened
from emberwatch.ingestion.models import Import, ImportState, Piece, PieceState
from emberwatch.ingestion.recording import Origin, Recorder
from emberwatch.ingestion.streams import EventStream, RangeStream, Step
from emberwatch.matching.prefilter import prefilter_for
from emberwatch.sources.files import beginning
from emberwatch.sources.leaks import LeakReader
from emberwatch.sources.watched import context_of
from emberwatch.tenants.queries import watchlist_of

MOST_SAMPLES: Final = 50
MOST_SKIPPED: Final = 200
_TRIES: Final = 5
_WORTH_ANOTHER_TRY: Final = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.ForeignKeyViolation,
)


class Progress(Protocol):
    def __call__(self, position: int, entries_read: int) -> None: ...


@contextmanager
def alone(piece: Piece) -> Iterator[bool]:
    """Whether this process has the piece to itself. A dead process lets go of it with its connection."""
    key = piece.pk.int & (2**63 - 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def read_piece(piece: Piece, wanted: Import, *, clock: Clock, progress: Progress | None = None) -> None:
    """Reads what is left of a piece; the caller holds it :func:`alone`."""
    watchlist = watchlist_of(wanted.tenant)
    recorder = Recorder(_origin(wanted), watchlist)
    with opened(wanted) as file:
        for step in _steps(piece, wanted, file):
            if not _store(piece, recorder, step, clock):
                return
            if progress:
                progress(piece.start + piece.position, piece.read)
    Piece.objects.filter(pk=piece.pk).update(state=PieceState.DONE, updated_at=clock())


def _origin(wanted: Import) -> Origin:
    return Origin(
        tenant_id=wanted.tenant_id,
        import_id=wanted.pk,
        file_name=wanted.file_name,
        source_kind=wanted.source_kind,
        source_name=wanted.source_name,
        stated_at=wanted.leaked_at,
        breached_at=wanted.breached_at,
        # One moment for all of an import: its rows do not tell how long it took or where it was interrupted.
        seen_at=wanted.requested_at,
    )


def _steps(piece: Piece, wanted: Import, file: BinaryIO) -> Iterator[Step]:
    head = beginning(file)
    watchlist = watchlist_of(wanted.tenant)
    request = read_request(watchlist, wanted, head)
    if piece.is_range:
        prefilter = prefilter_for(watchlist)
        yield from RangeStream(wanted, piece, head, context_of(request), prefilter).steps(file)
        return
    with LeakReader(request) as reader:
        events = reader.read(file, wanted.file_name, skip_parts=piece.part)
        yield from EventStream(piece).steps(events)


def _store(piece: Piece, recorder: Recorder, step: Step, clock: Clock) -> bool:
    """Stores one step; ``False`` when the import was ended meanwhile.

    Two pieces that meet the same pairs may block each other, and an undo may take away a row that was just found:
    the database then refuses the step, which is tried again.
    """
    for left in reversed(range(_TRIES)):
        try:
            recorder.prepare(step.credentials)
            with transaction.atomic():
                return _store_once(piece, recorder, step, clock)
        except (OperationalError, IntegrityError) as error:
            if not left or not isinstance(error.__cause__, _WORTH_ANOTHER_TRY):
                raise
            piece.refresh_from_db()
            recorder = recorder.renewed()
    return False


def _store_once(piece: Piece, recorder: Recorder, step: Step, clock: Clock) -> bool:
    if not _is_running(piece):
        return False
    stored = recorder.store(step.credentials)
    counts = step.counts + ImportCounts(matched_new=len(stored.new), duplicate=stored.duplicate)
    new_cookies = recorder.cookies.store(step.cookies)
    cookies = ImportCounts(matched_new=new_cookies, duplicate=len(step.cookies) - new_cookies)
    _advance(piece, step, counts, step.cookie_counts + cookies)
    piece.updated_at = clock()
    piece.save()
    return True


def _is_running(piece: Piece) -> bool:
    """Holds the import's row until the step is stored: what ends an import waits for the steps under way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM ingestion_import WHERE id = %s FOR SHARE", [piece.whole_id])
        row = cursor.fetchone()
    return row is not None and row[0] == ImportState.RUNNING


def _advance(piece: Piece, step: Step, counts: ImportCounts, cookies: ImportCounts) -> None:
    after = step.after
    piece.part, piece.entry, piece.line, piece.position = after.part, after.entry, after.line, after.position
    for name, number in counts.to_dict().items():
        setattr(piece, name, getattr(piece, name) + number)
    if cookies != ImportCounts():
        piece.cookies = (ImportCounts.from_dict(piece.cookies) + cookies).to_dict()
    piece.rejects = [*piece.rejects, *step.rejects][:MOST_SAMPLES]
    piece.skipped_parts = [*piece.skipped_parts, *step.skipped][:MOST_SKIPPED]
    piece.other_files += step.other_files
