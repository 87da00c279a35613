"""Importing files: what is matched, stored once, counted, and never left in clear."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.errors import BadInput, NotAllowed
from emberwatch.exposures.models import Credential, Machine, Sighting
from emberwatch.exposures.services import open_secret
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.services import (
    ImportOptions,
    import_file,
    open_upload,
    request_import,
)
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_actor, make_tenant

pytestmark = pytest.mark.django_db

ULP = """https://login.tailspin.example/signin:ann@contoso.example:Xk2:9q pw
https://a.test:bob@mail.contoso.example:second
https://a.test:eve@notcontoso.example:third
https://a.test:eve@contoso.example.evil.test:fourth

https://a.test:ann@CONTOSO.example:Xk2:9q pw
https://a.test:cy@contoso.example:
=======================
"""


def imported(
    tenant: Tenant, folder: Path, data: str | bytes, name: str = "leak.txt", **options: object
) -> Import:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    done = import_file(tenant, path, ImportOptions(**options), actor=SYSTEM)  # type: ignore[arg-type]
    assert done.state == ImportState.DONE, done.error
    assert done.read == done.foreign + done.matched_new + done.duplicate + done.rejected
    return done


def test_matching_stops_at_label_boundaries_and_counts_add_up(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    done = imported(tenant, tmp_path, ULP)

    logins = set(Credential.objects.values_list("login_canonical", flat=True))
    assert logins == {"ann@contoso.example", "bob@mail.contoso.example"}
    assert (done.matched_new, done.duplicate, done.foreign) == (2, 1, 2)
    ann = Credential.objects.get(login_canonical="ann@contoso.example")
    assert open_secret(ann).expose() == "Xk2:9q pw"
    assert (ann.secret_length, ann.secret_classes) == (9, "aA1#")
    assert ann.sightings.count() == 2
    assert "Xk2" not in str(done.rejects)


def test_importing_again_stores_nothing_twice(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    imported(tenant, tmp_path, ULP)
    before = (Credential.objects.count(), Sighting.objects.count())
    again = imported(tenant, tmp_path, ULP)
    assert (again.matched_new, again.duplicate) == (0, 3)
    assert (Credential.objects.count(), Sighting.objects.count()) == before


def test_what_the_importer_states_wins(tmp_path: Path) -> None:
    leaked_at = datetime(2025, 3, 4, tzinfo=UTC)
    imported(
        make_tenant("contoso.example"),
        tmp_path,
        "ann@contoso.example:pw-one\n",
        source_kind="breach",
        source_name="Tailspin 2025",
        leaked_at=leaked_at,
    )
    sighting = Sighting.objects.select_related("source").get()
    assert (sighting.source.kind, sighting.source.name) == ("breach", "Tailspin 2025")
    assert Credential.objects.get().leaked_at == leaked_at


def stealer_archive() -> bytes:
    buffer = io.BytesIO()
    block = (
        "URL: https://portal.test/\nUsername: ann@contoso.example\nPassword: {}\nApplication: Chrome\n====\n"
    )
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in (1, 2):
            archive.writestr(
                f"victim{number}/Passwords.txt", block.format(f"Pw-{number}") + block.format("shared")
            )
            archive.writestr(
                f"victim{number}/UserInformation.txt",
                f"Build ID: x\nIP: 203.0.113.{number}\nHWID: HW{number}\nMachineName: PC{number}\nCountry: NL\n"
                "Log date: 12/05/2026 10:00:00\nUserName: ann\n",
            )
    return buffer.getvalue()


def test_a_stealer_archive_brings_its_machines(tmp_path: Path) -> None:
    done = imported(make_tenant("contoso.example"), tmp_path, stealer_archive(), name="logs.zip")
    assert done.matched_new == 3
    assert done.duplicate == 1
    assert set(Machine.objects.values_list("computer_name", flat=True)) == {"PC1", "PC2"}
    assert Sighting.objects.filter(machine__computer_name="PC1").count() == 2
    assert "logs.zip!" in Sighting.objects.first().file_name  # type: ignore[union-attr]


def test_an_upload_is_sealed_imported_and_removed(data_dir: Path) -> None:
    tenant = make_tenant("contoso.example")
    import_id, writer = open_upload(tenant, actor=SYSTEM)
    writer.write(b"ann@contoso.example:canary-upload-pw\n")
    writer.finish()
    stored = data_dir / "uploads" / f"{import_id}.sealed"
    assert b"canary" not in stored.read_bytes()

    request_import(tenant, import_id, "up.txt", writer.size, ImportOptions(), actor=SYSTEM, now=NOW)
    run_import(import_id)
    run_import(import_id)

    assert Import.objects.get().state == ImportState.DONE
    assert Credential.objects.count() == 1
    assert not stored.exists()


def test_a_damaged_archive_gives_what_stands_before_the_damage_and_says_so(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    path = tmp_path / "broken.zip"
    path.write_bytes(stealer_archive()[:200])
    done = import_file(tenant, path, ImportOptions(), actor=SYSTEM)
    assert Credential.objects.count() <= 1
    assert done.read == done.foreign + done.matched_new + done.duplicate + done.rejected
    assert done.error or done.skipped_parts


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (ImportOptions(format="nonsense"), "format"),
        (ImportOptions(source_kind="nonsense"), "source_kind"),
        (ImportOptions(source_name="x" * 201), "source_name"),
        (ImportOptions(leaked_at=datetime(2999, 1, 1, tzinfo=UTC)), "leaked_at"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, options: ImportOptions, field: str) -> None:
    tenant = make_tenant("contoso.example")
    path = tmp_path / "l.txt"
    path.write_text("ann@contoso.example:x\n")
    with pytest.raises(BadInput) as caught:
        import_file(tenant, path, options, actor=SYSTEM)
    assert caught.value.field == field
    assert not Import.objects.exists()


def test_a_file_that_cannot_be_read_leaves_no_import_behind(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    with pytest.raises(BadInput):
        import_file(tenant, tmp_path / "missing.txt", ImportOptions(), actor=SYSTEM)
    assert not Import.objects.exists()


def test_a_viewer_may_not_import(tmp_path: Path) -> None:
    tenant = make_tenant("contoso.example")
    with pytest.raises(NotAllowed):
        open_upload(tenant, actor=make_actor(tenant, "viewer"))
    _, writer = open_upload(tenant, actor=make_actor(tenant, "analyst"))
    writer.abandon()


def test_one_pair_is_one_credential_and_tenants_are_apart(tmp_path: Path) -> None:
    first, second = make_tenant("contoso.example"), make_tenant("contoso.example")
    for tenant in (first, second):
        imported(
            tenant, tmp_path, "Ann@Contoso.example:same\nann@contoso.example:same\nann@contoso.example:Same\n"
        )
    mine = Credential.objects.filter(tenant=first)
    assert mine.count() == 2
    prints = set(mine.values_list("fingerprint", flat=True))
    theirs = set(Credential.objects.filter(tenant=second).values_list("fingerprint", flat=True))
    assert {bytes(p) for p in prints}.isdisjoint({bytes(p) for p in theirs})
