"""Uploads stay sealed on disk, can be read from any place, and a tampered file is noticed."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from emberwatch.core.ids import new_id
from emberwatch.vault.crypto import Vault, VaultError, new_key
from emberwatch.vault.spool import BLOCK_BYTES, SpoolWriter, open_spool, spool_path

VAULT = Vault.from_data_key("tenant:a", new_key())
SEALED_BLOCK = BLOCK_BYTES + 29


def spooled(folder: Path, data: bytes) -> tuple[Path, object]:
    import_id = new_id()
    path = spool_path(folder, import_id)
    writer = SpoolWriter(path, VAULT, import_id)
    for start in range(0, len(data), 300_000):
        writer.write(data[start : start + 300_000])
    writer.finish()
    assert writer.size == len(data)
    return path, import_id


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 7])
def test_what_goes_in_comes_out(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path, import_id = spooled(tmp_path, data)
    with open_spool(path, VAULT, import_id) as file:  # type: ignore[arg-type]
        assert file.read() == data
        file.seek(-min(size, 10), io.SEEK_END)
        assert file.read() == data[size - min(size, 10) :]


def test_a_zip_reads_from_the_spool_and_nothing_of_it_is_in_clear(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Passwords.txt", "canary-in-the-archive\n" * 10)
    path, import_id = spooled(tmp_path, buffer.getvalue())
    assert b"canary" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with open_spool(path, VAULT, import_id) as file, zipfile.ZipFile(file) as archive:  # type: ignore[arg-type]
        assert archive.read("Passwords.txt").startswith(b"canary")


def test_a_cut_swapped_or_foreign_file_does_not_open(tmp_path: Path) -> None:
    path, import_id = spooled(tmp_path, os.urandom(3 * BLOCK_BYTES))
    whole = path.read_bytes()
    swapped = whole[SEALED_BLOCK : 2 * SEALED_BLOCK] + whole[:SEALED_BLOCK] + whole[2 * SEALED_BLOCK :]
    for tampered in (whole[: 2 * SEALED_BLOCK], swapped, whole[:-1]):
        path.write_bytes(tampered)
        with open_spool(path, VAULT, import_id) as file, pytest.raises(VaultError):  # type: ignore[arg-type]
            file.read()
    path.write_bytes(whole)
    with open_spool(path, VAULT, new_id()) as file, pytest.raises(VaultError):
        file.read()


def test_an_abandoned_upload_leaves_nothing(tmp_path: Path) -> None:
    import_id = new_id()
    writer = SpoolWriter(spool_path(tmp_path, import_id), VAULT, import_id)
    writer.write(b"x")
    writer.abandon()
    assert not spool_path(tmp_path, import_id).exists()
