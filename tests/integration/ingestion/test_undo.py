"""Undoing an import: what only it brought goes, what others or people have added stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.errors import Conflict, NotAllowed
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential, Machine, Sighting, Source
from emberwatch.exposures.services import set_verdict
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.services import ImportOptions, import_file
from emberwatch.ingestion.undoing import request_undo, run_undo
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_actor, make_tenant
from tests.integration.ingestion.test_import import stealer_archive

pytestmark = pytest.mark.django_db

ANN = "ann@contoso.example:first-pw\n"
BOB = "bob@contoso.example:second-pw\n"


def imported(tenant: Tenant, path: Path, data: str | bytes, **options: object) -> Import:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return import_file(tenant, path, ImportOptions(**options), actor=SYSTEM)  # type: ignore[arg-type]


def undone(done: Import) -> Import:
    request_undo(done, actor=SYSTEM, now=NOW)
    run_undo(done.pk)
    run_undo(done.pk)
    done.refresh_from_db()
    assert done.state == ImportState.UNDONE
    return done


def logins() -> set[str]:
    return set(Credential.objects.values_list("login", flat=True))


def test_everything_goes_that_only_this_import_brought(tmp_path: Path) -> None:
    done = imported(make_tenant("contoso.example"), tmp_path / "logs.zip", stealer_archive())
    assert (Credential.objects.count(), Machine.objects.count()) == (3, 2)
    found = undone(done).undone
    assert [model.objects.count() for model in (Credential, Sighting, Machine, Source)] == [0, 0, 0, 0]
    assert (found["credentials"], found["sightings"], found["machines"]) == (3, 4, 2)


def test_what_another_import_saw_too_stays_as_that_one_left_it(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    first = imported(tenant, tmp_path / "first.txt", ANN + BOB, source_kind="breach")
    second = imported(tenant, tmp_path / "second.txt", ANN, source_kind="combo_list")
    assert Credential.objects.get(login="ann@contoso.example").sightings.count() == 2
    undone(first)
    ann = Credential.objects.get()
    assert ann.login == "ann@contoso.example"
    assert (ann.source_kind, ann.first_seen_at) == ("combo_list", second.requested_at)
    assert ann.sightings.get().import_id == second.pk


def test_the_same_file_imported_twice_is_gone_after_both_are_undone(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    first = imported(tenant, tmp_path / "same.txt", ANN)
    second = imported(tenant, tmp_path / "same.txt", ANN)
    assert Sighting.objects.count() == 1
    undone(first)
    sighting = Sighting.objects.get()
    assert (sighting.import_id, sighting.also_in, sighting.seen_at) == (second.pk, [], second.requested_at)
    undone(second)
    assert not Credential.objects.exists()


def test_a_source_that_two_imports_shared_goes_with_the_last_of_them(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    first = imported(tenant, tmp_path / "a.txt", ANN, source_name="One leak")
    second = imported(tenant, tmp_path / "b.txt", BOB, source_name="One leak")
    other = imported(make_tenant("tailspin.example"), tmp_path / "c.txt", "ida@tailspin.example:pw\n")
    assert Source.objects.filter(tenant=tenant).count() == 1
    undone(first)
    assert Source.objects.filter(tenant=tenant).get().sightings.count() == 1
    undone(second)
    assert [source.tenant_id for source in Source.objects.all()] == [other.tenant_id]


def test_a_source_that_a_running_import_has_just_made_stays(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    done = imported(tenant, tmp_path / "a.txt", ANN)
    running = imported(tenant, tmp_path / "b.txt", "")
    Import.objects.filter(pk=running.pk).update(state=ImportState.RUNNING)
    made = Source.objects.create(tenant=tenant, kind="ulp", name="b.txt", created_at=running.requested_at)
    undone(done)
    assert Source.objects.get() == made


def test_undoing_the_later_of_two_leaves_the_earlier_alone(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    first = imported(tenant, tmp_path / "same.txt", ANN)
    before = Sighting.objects.values().get()
    undone(imported(tenant, tmp_path / "same.txt", ANN))
    assert Sighting.objects.values().get() == before
    assert before["import_id"] == first.pk


def test_a_credential_with_a_history_stays(tmp_path: Path) -> None:
    done = imported(make_tenant("contoso.example"), tmp_path / "leak.txt", ANN + BOB)
    ann = Credential.objects.get(login="ann@contoso.example")
    set_verdict(ann, Verdict.INACTIVE, Certainty.PROVED, {"method": "one sign-in"}, actor=SYSTEM, now=NOW)
    found = undone(done).undone
    assert logins() == {"ann@contoso.example"}
    assert (found["credentials"], found["kept_for_history"]) == (1, 1)


def test_undone_once_only_and_by_those_who_may_import(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    done = imported(tenant, tmp_path / "leak.txt", ANN)
    with pytest.raises(NotAllowed):
        request_undo(done, actor=make_actor(tenant, "viewer"), now=NOW)
    undone(done)
    with pytest.raises(Conflict):
        request_undo(done, actor=SYSTEM, now=NOW)
