"""Files that lie in a storage with addresses; fsspec's own memory stands for it, as its interface is the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fsspec
import fsspec.implementations.memory
import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.errors import BadInput, Unavailable
from emberwatch.exposures.models import Credential, Machine
from emberwatch.ingestion.locations import files_at, files_below, look_at
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.services import ImportOptions, request_location
from tests.factories import NOW, make_tenant
from tests.integration.cli.conftest import Run, run
from tests.integration.ingestion.test_import import stealer_archive

__all__ = ["run"]

pytestmark = pytest.mark.django_db

LEAK = b"x@elsewhere.test:some-password\n" * 300_000 + b"ann@contoso.example:pw\n"


class Broken(fsspec.implementations.memory.MemoryFileSystem):  # type: ignore[misc]
    """A storage that refuses, or is not there at all."""

    protocol = "broken"
    store: dict[str, Any] = {}

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        raise PermissionError if "secret" in path else RuntimeError("key=canary")


@pytest.fixture
def storage() -> Iterator[Any]:
    found = fsspec.filesystem("memory")
    yield found
    found.store.clear()


def imported(address: str) -> Import:
    wanted = request_location(
        make_tenant("contoso.example"), look_at(address), ImportOptions(), actor=SYSTEM, now=NOW
    )
    run_import(wanted.pk)
    wanted.refresh_from_db()
    return wanted


def test_a_large_file_is_read_in_pieces_and_an_archive_as_a_whole(storage: Any) -> None:
    storage.pipe("/leaks/large.txt", LEAK)
    done = imported("memory://leaks/large.txt")
    assert (done.state, done.read, done.matched_new, done.size) == ("done", 300_001, 1, len(LEAK)), done.error
    assert done.pieces.count() == 2
    storage.pipe("/leaks/logs.zip", stealer_archive())
    assert imported("memory://leaks/logs.zip").matched_new == 3
    assert Machine.objects.count() == 2


def test_a_folder_stands_for_all_files_below_it(storage: Any, run: Run) -> None:
    for name in ("a.txt", "deep/b.txt", "deep/deeper/c.txt"):
        storage.pipe(f"/leaks/{name}", f"{name[-5]}@contoso.example:pw\n".encode())
    assert len(files_at("memory://leaks")) == 3
    make_tenant("contoso.example", name="Contoso")
    rows = run("import", "Contoso", "memory://leaks", "--json").rows
    assert [row["file_name"] for row in rows] == ["a.txt", "b.txt", "c.txt"]
    assert {row["position"] for row in rows} == {len("a@contoso.example:pw\n")}
    assert Credential.objects.count() == 3


def test_a_folder_is_no_file_and_nothing_is_nothing(storage: Any, run: Run) -> None:
    storage.pipe("/leaks/a.txt", LEAK)
    with pytest.raises(BadInput, match="is a folder"):
        look_at("memory://leaks")
    with pytest.raises(BadInput, match="There is nothing at"):
        look_at("memory://leaks/b.txt")
    make_tenant("contoso.example", name="Contoso")
    refused = run("import", "Contoso", "memory://leaks/b.txt")
    assert refused.code == 2
    assert "There is nothing at" in refused.err


def test_what_the_storage_says_instead_of_an_answer_stays_inside() -> None:
    fsspec.register_implementation("broken", Broken, clobber=True)
    with pytest.raises(BadInput, match="may not be read"):
        look_at("broken://secret/a.txt")
    with pytest.raises(Unavailable, match="did not answer") as told:
        list(files_at("broken://leaks"))
    assert "canary" not in str(told.value)
    assert told.value.__suppress_context__


def test_a_file_that_was_replaced_is_noticed_at_once(storage: Any) -> None:
    storage.pipe("/leaks/a.txt", LEAK)
    assert [found.size for found in files_below("memory://leaks")] == [len(LEAK)]
    wanted = request_location(
        make_tenant("contoso.example"),
        look_at("memory://leaks/a.txt"),
        ImportOptions(),
        actor=SYSTEM,
        now=NOW,
    )
    storage.pipe("/leaks/a.txt", LEAK * 2)
    run_import(wanted.pk)
    wanted.refresh_from_db()
    assert (wanted.state, "changed after" in wanted.error) == ("failed", True)
