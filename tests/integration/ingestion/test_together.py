"""Several processes at one import: what one of them stores keeps no other waiting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection, transaction

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.secret import Secret
from emberwatch.exposures.models import Source
from emberwatch.ingestion.models import Import, Piece, PieceState
from emberwatch.ingestion.pieces import _is_running, _origin
from emberwatch.ingestion.recording import Part, Recorder
from emberwatch.ingestion.running import run_piece
from emberwatch.ingestion.services import ImportOptions, begin_file
from emberwatch.parsing.base import ParsedCredential
from emberwatch.tenants.queries import watchlist_of
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db(transaction=True)


def begun(folder: Path) -> Import:
    """An import of three pieces, a few lines of each ours."""
    path = folder / "leak.txt"
    foreign = b"somebody@elsewhere.test:some-password\n" * 500
    path.write_bytes(b"".join(foreign + b"p%d@contoso.example:pw\n" % n for n in range(600)))
    wanted = begin_file(make_tenant("contoso.example"), str(path), ImportOptions(), actor=SYSTEM)
    assert wanted.pieces.count() == 3
    return Import.objects.get(pk=wanted.pk)


def test_a_piece_ends_while_another_process_is_storing_a_step(tmp_path: Path) -> None:
    wanted = begun(tmp_path)
    first, second, _ = wanted.pieces.order_by("number")
    recorder = Recorder(_origin(wanted), watchlist_of(wanted.tenant))
    held = [
        (ParsedCredential(login="x@contoso.example", secret=Secret("pw")), Part("leak.txt", "combo_list"))
    ]
    recorder.prepare(held)
    with transaction.atomic():
        assert _is_running(first)
        recorder.store(held)
        # Else the source's row, or the import's own, would be waited for until this step is committed.
        with ThreadPoolExecutor(1) as other:
            assert other.submit(_elsewhere, second.pk).result(timeout=30)
    assert Piece.objects.get(pk=second.pk).state == PieceState.DONE
    assert Source.objects.count() == 1


def _elsewhere(piece_id: UUID) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        return run_piece(piece_id)
    finally:
        connection.close()
