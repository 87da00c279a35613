"""Uploads in chunks: sealed, in order, safe to repeat, taken up again after they broke off."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.errors import BadInput, Conflict, NotAllowed
from emberwatch.exposures.models import Credential
from emberwatch.ingestion.chunks import (
    begin_upload,
    discard_abandoned,
    finish_upload,
    receive_chunk,
)
from emberwatch.ingestion.models import Import, Upload
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.services import ImportOptions
from emberwatch.vault.spool import BLOCK_BYTES
from tests.factories import NOW, make_actor, make_tenant

pytestmark = pytest.mark.django_db

LINE = b"ann@contoso.example:canary-chunk-pw\n"
DATA = b"x@mail.test:filler\n" * 120_000 + LINE


def begun(size: int = len(DATA)) -> Upload:
    tenant = make_tenant("contoso.example")
    return begin_upload(tenant, "leak.txt", size, "m", actor=SYSTEM, now=NOW)


def test_chunks_make_the_file(data_dir: Path) -> None:
    upload = begun()
    for offset in range(0, len(DATA), BLOCK_BYTES):
        piece = DATA[offset : offset + BLOCK_BYTES]
        upload = receive_chunk(upload, offset, piece, now=NOW)
        # An answer that was lost on the way: the sender sends the chunk again.
        upload = receive_chunk(upload, offset, piece, now=NOW)
    stored = (data_dir / "uploads" / f"{upload.pk}.sealed").read_bytes()
    assert b"canary" not in stored
    started = finish_upload(upload, ImportOptions(), actor=SYSTEM, now=NOW)
    run_import(started.pk)
    started.refresh_from_db()
    assert (started.state, started.read, started.matched_new) == ("done", 120_001, 1)
    assert Credential.objects.count() == 1
    assert not Upload.objects.exists()


def test_the_same_file_goes_on_where_it_broke_off() -> None:
    upload = receive_chunk(begun(), 0, DATA[:BLOCK_BYTES], now=NOW)
    again = begin_upload(upload.tenant, "leak.txt", len(DATA), "m", actor=SYSTEM, now=NOW)
    assert (again.pk, again.received) == (upload.pk, BLOCK_BYTES)
    other = begin_upload(upload.tenant, "leak.txt", len(DATA), "n", actor=SYSTEM, now=NOW)
    assert other.received == 0


@pytest.mark.parametrize(
    ("offset", "length", "error"),
    [(BLOCK_BYTES, 10, Conflict), (0, 10, BadInput), (0, 0, BadInput), (0, len(DATA) + 1, BadInput)],
)
def test_chunks_that_do_not_fit_are_refused(offset: int, length: int, error: type[Exception]) -> None:
    upload = begun()
    with pytest.raises(error):
        receive_chunk(upload, offset, b"x" * length, now=NOW)
    assert receive_chunk(upload, 0, DATA[:BLOCK_BYTES], now=NOW).received == BLOCK_BYTES


def test_an_upload_that_is_not_complete_is_not_imported() -> None:
    upload = receive_chunk(begun(), 0, DATA[:BLOCK_BYTES], now=NOW)
    with pytest.raises(Conflict):
        finish_upload(upload, ImportOptions(), actor=SYSTEM, now=NOW)
    assert not Import.objects.exists()


def test_an_empty_file_is_an_import_that_says_so() -> None:
    started = finish_upload(begun(0), ImportOptions(), actor=SYSTEM, now=NOW)
    run_import(started.pk)
    started.refresh_from_db()
    assert started.skipped_parts[0]["reason"] == "It is empty"


def test_abandoned_uploads_are_removed(data_dir: Path) -> None:
    upload = receive_chunk(begun(), 0, DATA[:BLOCK_BYTES], now=NOW)
    place = data_dir / "uploads" / f"{upload.pk}.sealed"
    assert discard_abandoned(NOW + timedelta(days=1)) == 0
    assert place.exists()
    assert discard_abandoned(NOW + timedelta(days=3)) == 1
    assert not place.exists()


def test_a_viewer_may_not_upload() -> None:
    tenant = make_tenant("contoso.example")
    with pytest.raises(NotAllowed):
        begin_upload(tenant, "a", 1, "m", actor=make_actor(tenant, "viewer"), now=NOW)
    assert begin_upload(tenant, "a", 1, "m", actor=make_actor(tenant, "analyst"), now=NOW).received == 0
