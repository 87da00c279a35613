"""The watched folder: files are taken when they stand still, once, for the tenant that their folder names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.exposures.models import Credential
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.watching import look_through
from tests.factories import NOW, make_tenant

pytestmark = pytest.mark.django_db


def look(folder: Path) -> int:
    return look_through(str(folder), actor=SYSTEM, now=NOW)


def test_a_file_is_taken_when_it_looks_alike_twice_and_then_never_again(tmp_path: Path) -> None:
    tenant = make_tenant(name="Contoso")
    file = tmp_path / "Contoso" / "deep" / "leak.txt"
    file.parent.mkdir(parents=True)
    file.write_text("ann@contoso.example:pw-one\n")
    assert look(tmp_path) == 0
    file.write_text("ann@contoso.example:pw-one\nbob@contoso.example:pw-two\n")
    assert look(tmp_path) == 0
    assert [look(tmp_path) for _ in range(3)] == [1, 0, 0]
    run_import(Import.objects.get(tenant=tenant).pk)
    assert Credential.objects.count() == 2


def test_a_file_that_was_changed_is_imported_anew(tmp_path: Path) -> None:
    make_tenant(name="Contoso")
    file = tmp_path / "Contoso" / "leak.txt"
    file.parent.mkdir()
    file.write_text("ann@contoso.example:pw-one\n")
    assert [look(tmp_path) for _ in range(2)] == [0, 1]
    os.utime(file, ns=(1, 1))
    assert [look(tmp_path) for _ in range(3)] == [0, 1, 0]


def test_folders_that_name_no_tenant_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "Nobody").mkdir()
    (tmp_path / "Nobody" / "leak.txt").write_text("ann@contoso.example:pw\n")
    (tmp_path / "lost.txt").write_text("ann@contoso.example:pw\n")
    assert [look(tmp_path) for _ in range(3)] == [0, 0, 0]
