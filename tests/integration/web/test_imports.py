"""Uploads: sealed from the first byte, nothing left behind when refused, counts that add up."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.exposures.models import Cookie, Credential, Machine
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.services import ImportOptions, import_file
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_tenant
from tests.integration.ingestion.test_columns import CSV, ROLES
from tests.integration.ingestion.test_cookies import CANARY as CANARY_COOKIE
from tests.integration.ingestion.test_cookies import LOG, logs
from tests.integration.web.conftest import HTMX, Visit, page

pytestmark = pytest.mark.django_db

CANARY: Final = "canary-5Rp!wQ8-upload"
LEAK: Final = (
    "\n".join(f"https://a.test/:p{n}@nobody.example:pw{n}" for n in range(90_000))
    + f"\nhttps://a.test/login:ann@contoso.example:{CANARY}\nrubbish\n"
).encode()


def send(client: Client, tenant: Tenant, content: bytes = LEAK, name: str = "leak.txt", **fields: Any) -> Any:
    file = SimpleUploadedFile(name, content)
    body = {"file": file, "end": "1"} | fields
    return client.post(reverse("new_import", args=[tenant.id]), body)


def spools(data_dir: Path) -> list[Path]:
    return list((data_dir / "uploads").glob("*"))


def files_with(needle: bytes, *folders: Path) -> list[Path]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if os.access(path, os.R_OK) and needle in path.read_bytes()]


@pytest.fixture(autouse=True)
def _no_spools(data_dir: Path) -> None:
    for path in spools(data_dir):
        path.unlink()


def test_an_upload_is_sealed_and_imported(
    visit: Visit, tenant: Tenant, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = visit("analyst")
    reply = send(client, tenant, source_kind="breach", source_name="Forum", leaked_at="2026-01-31")

    started = Import.objects.get()
    assert reply.headers["Location"] == reverse("import", args=[tenant.id, started.id])
    assert (started.size, started.source_kind, started.source_name) == (len(LEAK), "breach", "Forum")
    [spool] = spools(data_dir)
    assert spool.stat().st_size > len(LEAK)
    assert files_with(CANARY.encode(), data_dir, tmp_path) == []
    assert list(tmp_path.iterdir()) == []
    waiting = page(client, reply.headers["Location"])
    assert "Queued" in waiting
    assert 'hx-trigger="load delay' in waiting

    run_import(started.id)

    html = page(client, reply.headers["Location"])
    assert "Done" in html
    assert "hx-trigger" not in html.split('id="import"')[1].split(">")[0]
    counts = [int(number.replace(",", "")) for number in re.findall(r'h2 mb-0">([\d,]+)<', html)]
    assert counts == [90_002, 90_000, 1, 0, 1]
    assert counts[0] == sum(counts[1:])
    assert "No login and password could be made out" in html
    assert CANARY not in html
    assert Credential.objects.get().source_kind == "breach"
    assert spools(data_dir) == []


def test_each_of_several_files_is_an_import(visit: Visit, tenant: Tenant, data_dir: Path) -> None:
    files = [SimpleUploadedFile(f"{n}.txt", b"ann@contoso.example:pw%d\n" % n) for n in range(3)]
    reply = send(visit("analyst"), tenant, file=files)
    assert reply.headers["Location"] == reverse("imports", args=[tenant.id])
    assert sorted(Import.objects.values_list("file_name", flat=True)) == ["0.txt", "1.txt", "2.txt"]
    assert len(spools(data_dir)) == 3


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"leaked_at": "2999-01-01"}, "date lies in the future"),
        ({"leaked_at": "soon"}, "needs a date"),
        ({"format": "exe"}, "no format exe"),
        ({"source_kind": "gossip"}, "no source kind gossip"),
        ({"source_name": "x" * 201}, "longer than 200"),
        ({"end": None}, "was cut off"),
        ({"file": None}, "Choose at least one file."),
    ],
)
def test_a_refused_upload_leaves_nothing(
    visit: Visit, tenant: Tenant, data_dir: Path, fields: dict[str, Any], sentence: str
) -> None:
    client, address = visit("analyst"), reverse("new_import", args=[tenant.id])
    for headers, status in (({}, 400), (HTMX, 422)):
        body = {"file": SimpleUploadedFile("a.txt", LEAK), "end": "1"} | fields
        body = {name: value for name, value in body.items() if value is not None}
        reply = client.post(address, body, headers=headers)
        assert reply.status_code == status
        assert sentence in reply.content.decode()
    assert not Import.objects.exists()
    assert spools(data_dir) == []


def test_a_forged_upload_is_refused_and_leaves_nothing(visit: Visit, tenant: Tenant, data_dir: Path) -> None:
    assert send(visit("analyst"), tenant).status_code == 302
    [kept] = spools(data_dir)
    assert send(visit("analyst", enforce_csrf_checks=True), tenant).status_code == 403
    assert spools(data_dir) == [kept]
    assert Import.objects.count() == 1


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("stranger", 404)])
def test_nothing_is_written_for_those_who_may_not(
    visit: Visit, tenant: Tenant, data_dir: Path, role: str, status: int
) -> None:
    assert send(visit(role), tenant).status_code == status
    assert spools(data_dir) == []


def test_other_forms_take_no_files(visit: Visit, tenant: Tenant, data_dir: Path, tmp_path: Path) -> None:
    body = {"domains": "contoso.example", "file": SimpleUploadedFile("a.txt", LEAK * 2)}
    assert visit("admin").post(reverse("tenant_domains", args=[tenant.id]), body).status_code == 302
    assert spools(data_dir) == []


def test_a_tenant_without_domains_says_so(visit: Visit, data_dir: Path) -> None:
    from emberwatch.tenants.services import create_tenant
    from tests.factories import NOW

    bare = create_tenant("Bare", [], actor=SYSTEM, now=NOW)
    reply = send(visit("organisation"), bare)
    assert reply.status_code == 409
    assert "monitors no domain yet" in reply.content.decode()
    assert spools(data_dir) == []


def test_a_viewer_sees_no_samples(visit: Visit, tenant: Tenant) -> None:
    send(visit("analyst"), tenant, b"no password here\nann@contoso.example:pw\n")
    done = Import.objects.get()
    run_import(done.id)
    done.refresh_from_db()
    sample = done.rejects[0]["sample"]
    address = reverse("import", args=[tenant.id, done.id])
    assert sample in page(visit("analyst"), address)
    viewer = page(visit("viewer"), address)
    assert sample not in viewer
    assert "Samples are shown to those who may import." in viewer


def test_the_list_pages_and_says_what_to_do_when_empty(visit: Visit, tenant: Tenant) -> None:
    client, address = visit("analyst"), reverse("imports", args=[tenant.id])
    assert "Nothing has been imported yet" in page(client, address)
    assert "Import leaked data" in page(client, address)
    for number in range(60):
        send(client, tenant, b"ann@contoso.example:pw\n", f"n{number}.txt")
    seen: list[str] = []
    while address:
        html = page(client, address)
        seen += re.findall(r'/">(n\d+\.txt)</a>', html)
        older = re.search(r'href="([^"]+)">Older', html)
        address = older.group(1) if older else ""
    assert seen == [f"n{number}.txt" for number in reversed(range(60))]
    assert visit("analyst").get(reverse("imports", args=[tenant.id]) + "?before=x").status_code == 400
    assert "n1.txt" not in page(visit("organisation"), reverse("imports", args=[make_tenant().id]))


def test_a_machine_says_that_its_cookies_outlive_the_password(
    visit: Visit, tenant: Tenant, tmp_path: Path
) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(logs(LOG))
    done = import_file(tenant, path, ImportOptions(), actor=SYSTEM)
    machine = Machine.objects.get()
    for role in ("viewer", "analyst", "admin"):
        client = visit(role)
        shown = page(client, reverse("machine", args=[tenant.id, machine.id]))
        listed = page(client, reverse("cookies", args=[tenant.id]))
        counted = page(client, reverse("import", args=[tenant.id, done.id]))
        assert "To change the password alone is not enough." in shown
        assert "1 stolen cookie of your sites could still be used when it was imported" in shown
        assert "portal.contoso.example" in shown
        assert "portal.contoso.example" in listed
        assert "6 read = 2 not ours + 2 new + 1 duplicate + 1 rejected" in counted
        assert CANARY_COOKIE not in shown + listed + counted
    Cookie.objects.update(expires_at=NOW)
    assert "alone is not enough" not in page(client, reverse("machine", args=[tenant.id, machine.id]))


def test_the_columns_of_a_table_are_shown_and_put_right(visit: Visit, tenant: Tenant) -> None:
    client = visit("analyst")
    assert 'name="review" type="checkbox" value="yes" checked' in page(
        client, reverse("new_import", args=[tenant.id])
    )
    fields = {"review": "yes", "breached_at": "2025-04-03"}
    address = send(client, tenant, CSV.encode(), "t.csv", **fields).headers["Location"]
    waiting = Import.objects.get()
    assert (waiting.state, f"{waiting.breached_at:%F}") == ("review", "2025-04-03")
    shown = page(client, address)
    assert "Waits for you" in shown
    assert shown.count("<select") == 3
    assert '<option value="password" selected>' in shown
    assert "True-pw" not in shown and "ann1" not in shown
    assert "somebody who may import" in page(visit("viewer"), address)
    refused = client.post(f"{address}columns/", {"role": ["login", "url", "url"]})
    assert refused.status_code == 400
    assert "No row would be a credential." in refused.content.decode()
    assert refused.content.decode().count('<option value="url" selected>') == 2
    assert client.post(f"{address}columns/", {"role": list(ROLES)}).headers["Location"] == address
    run_import(waiting.pk)
    assert "login, ignored, password" in page(client, address)
    assert Credential.objects.count() == 30


def test_a_table_whose_file_is_gone_says_so(visit: Visit, tenant: Tenant, data_dir: Path) -> None:
    client = visit("analyst")
    address = send(client, tenant, CSV.encode(), "t.csv", review="yes").headers["Location"]
    [spool] = spools(data_dir)
    spool.unlink()
    assert "is not on this machine any more" in page(client, address)
