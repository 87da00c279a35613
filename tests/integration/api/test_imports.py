"""An upload goes into the sealed spool and nowhere else, and what is refused leaves nothing behind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pyzipper
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory

from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.models import Role
from emberwatch.exposures.models import Credential
from emberwatch.ingestion.models import Import
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.services import ImportOptions, import_file, open_upload
from emberwatch.ingestion.uploads import SealedSpoolHandler
from tests.factories import make_tenant
from tests.integration.api.conftest import Caller, caller_for
from tests.integration.ingestion.test_columns import CSV, ROLES
from tests.integration.ingestion.test_cookies import CANARY as CANARY_COOKIE
from tests.integration.ingestion.test_cookies import LOG, logs

pytestmark = pytest.mark.django_db

CANARY = "C4nary-51d0-in-no-file"
LEAK = f"ann@contoso.example:{CANARY}\nbob@elsewhere.example:pw-of-bob\nann@contoso.example:\n".encode()


@pytest.fixture
def spool(data_dir: Path) -> Path:
    folder = data_dir / "uploads"
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    return folder


@pytest.fixture
def caller(spool: Path) -> Caller:
    return caller_for(make_tenant(), Role.ANALYST)


def test_a_file_is_imported(caller: Caller) -> None:
    answer = caller.upload(LEAK, source_kind="breach", source_name="Autumn", leaked_at="2026-01-31")
    assert answer.status_code == 202, answer.content
    started = answer.json()
    assert (started["state"], started["size"], started["file_name"]) == ("queued", len(LEAK), "leak.txt")
    assert answer["Location"] == f"/api/v1{caller.here('/imports/')}{started['id']}"
    run_import(UUID(started["id"]))
    done = caller.get(caller.here(f"/imports/{started['id']}")).json()
    assert done["state"] == "done", done["error"]
    assert done["read"] == done["foreign"] + done["matched_new"] + done["duplicate"] + done["rejected"]
    assert (done["matched_new"], done["source_kind"], done["leaked_at"]) == (
        1,
        "breach",
        "2026-01-31T00:00:00Z",
    )
    assert done["rejects"] and CANARY not in str(done)
    credential = Credential.objects.get()
    assert (credential.source_kind, credential.login) == ("breach", "ann@contoso.example")


def test_nothing_of_it_lies_in_clear(caller: Caller, spool: Path, data_dir: Path) -> None:
    assert caller.upload(LEAK + b"x" * 3_000_000).status_code == 202
    stored = list(spool.iterdir())
    assert len(stored) == 1
    assert stored[0].stat().st_size > 3_000_000
    assert stored[0].stat().st_mode & 0o077 == 0
    for file in (path for path in data_dir.rglob("*") if path.is_file() and "pgdata" not in path.parts):
        assert CANARY.encode() not in file.read_bytes(), file


def test_a_viewer_is_told_no_sample(caller: Caller) -> None:
    started = caller.upload(LEAK).json()
    run_import(UUID(started["id"]))
    viewer = caller_for(caller.tenant, Role.VIEWER)
    path = caller.here(f"/imports/{started['id']}")
    assert caller.get(path).json()["rejects"]
    assert viewer.get(path).json()["rejects"] is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"format": "nonsense"}, "format"),
        ({"source_kind": "nonsense"}, "source_kind"),
        ({"source_name": "x" * 201}, "source_name"),
        ({"source_name": "a\x00b"}, "source_name"),
        ({"leaked_at": "soon"}, "leaked_at"),
        ({"leaked_at": "2999-01-01"}, "leaked_at"),
        ({"leaked_at": "0001-01-01T00:00:00+23:59"}, "leaked_at"),
        ({"surplus": "x"}, "surplus"),
    ],
)
def test_a_refused_upload_leaves_nothing(
    caller: Caller, spool: Path, fields: dict[str, str], field: str
) -> None:
    assert caller.upload(LEAK).status_code == 202
    kept = list(spool.iterdir())
    answer = caller.upload(LEAK, **fields)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert list(spool.iterdir()) == kept
    assert Import.objects.count() == 1


BOUNDARY = "cut"
PART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="leak.txt"\r\n\r\n'.encode()
    + LEAK
)
END = f"\r\n--{BOUNDARY}--\r\n".encode()


def send(caller: Caller, body: bytes, kind: str = f"multipart/form-data; boundary={BOUNDARY}") -> Any:
    return caller.client.generic(
        "POST",
        f"/api/v1{caller.here('/imports')}",
        body,
        content_type=kind,
        headers={"Authorization": f"Bearer {caller.token}"},
    )


def test_an_upload_that_was_cut_off_leaves_nothing(caller: Caller, spool: Path) -> None:
    assert send(caller, PART + END).status_code == 202
    kept = list(spool.iterdir())
    assert send(caller, PART).status_code == 400
    assert list(spool.iterdir()) == kept


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"garbage", 422),
        (PART.replace(b'name="file"', b'name="other"') + END, 422),
        (PART.replace(b'; filename="leak.txt"', b"") + END, 422),
        (PART + b"\r\n" + PART + END, 422),
        (PART.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1) + END, 400),
    ],
)
def test_a_form_without_one_whole_file(caller: Caller, spool: Path, body: bytes, status: int) -> None:
    assert send(caller, PART + END).status_code == 202
    kept = list(spool.iterdir())
    assert send(caller, body).status_code == status
    assert list(spool.iterdir()) == kept


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 415),
        ("application/octet-stream", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=x; charset=base64", 415),
    ],
)
def test_a_body_that_is_no_form(caller: Caller, kind: str, status: int) -> None:
    answer = send(caller, PART + END, kind)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def handled(tenant_caller: Caller, body: bytes, most_bytes: int) -> tuple[SealedSpoolHandler, QueryDict]:
    request: HttpRequest = RequestFactory().generic(
        "POST", "/", body, content_type=f"multipart/form-data; boundary={BOUNDARY}"
    )
    upload = SealedSpoolHandler(
        request, lambda: open_upload(tenant_caller.tenant, actor=SYSTEM), most_bytes=most_bytes
    )
    handlers: list[FileUploadHandler] = [upload]
    request.upload_handlers = handlers
    return upload, request.POST


def test_what_is_too_large_is_not_kept(caller: Caller, spool: Path) -> None:
    whole, _ = handled(caller, PART + END, len(LEAK))
    assert (whole.is_complete, whole.size) == (True, len(LEAK))
    whole.discard()
    upload, _ = handled(caller, PART + END, len(LEAK) - 1)
    assert (upload.is_too_large, upload.is_complete) == (True, False)
    assert list(spool.iterdir()) == []


def test_cookies_are_listed_without_their_values(caller: Caller, tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(logs(LOG))
    done = import_file(caller.tenant, path, ImportOptions(), actor=SYSTEM)
    (machine,) = caller.get(caller.here("/machines")).json()["items"]
    assert (machine["credential_count"], machine["cookie_count"], machine["live_cookie_count"]) == (1, 2, 1)
    one = caller.get(caller.here(f"/machines/{machine['id']}"))
    listed = caller.get(caller.here("/cookies"))
    assert one.json()["live_cookie_count"] == 1
    for found in (one.json()["cookies"], listed.json()["items"]):
        assert {(row["host"], row["name"], row["was_live"]) for row in found} == {
            ("portal.contoso.example", "SESSION", True),
            ("contoso.example", "old", False),
        }
        assert {row["machine_id"] for row in found} == {machine["id"]}
    assert CANARY_COOKIE not in one.content.decode() + listed.content.decode()
    counts = caller.get(caller.here(f"/imports/{done.pk}")).json()["cookies"]
    assert counts == {"read": 6, "foreign": 2, "matched_new": 2, "duplicate": 1, "rejected": 1}


def test_the_columns_of_a_table(caller: Caller) -> None:
    answer = caller.upload(CSV.encode(), review="true")
    waiting = answer.json()
    assert (answer.status_code, waiting["state"], waiting["columns"]) == (202, "review", [])
    address = caller.here(f"/imports/{waiting['id']}/columns")
    shown = caller.get(address).json()
    assert [(column["name"], column["role"]) for column in shown["columns"]] == [
        ("email", "login"),
        ("password", "password"),
        ("note", "ignored"),
    ]
    assert shown["usable"] and "True-pw" not in str(shown)
    assert caller("PUT", address, {"columns": ["login"]}).status_code == 422
    confirmed = caller("PUT", address, {"columns": list(ROLES)})
    assert (confirmed.status_code, confirmed.json()["state"]) == (202, "queued")
    assert caller("PUT", address, {"columns": list(ROLES)}).status_code == 409
    run_import(UUID(waiting["id"]))
    assert Credential.objects.count() == 30


def test_columns_stand_in_the_request_too(caller: Caller) -> None:
    wrong = caller.upload(CSV.encode(), columns="login,magic,password")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "columns")
    assert not Import.objects.exists()
    started = caller.upload(CSV.encode(), columns="login,-,password").json()
    assert started["columns"] == list(ROLES)


def test_passwords_of_archives_are_tried_and_kept_sealed(caller: Caller) -> None:
    buffer = io.BytesIO()
    with pyzipper.AESZipFile(buffer, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b" with a blank")
        archive.writestr("list.txt", "ann@contoso.example:pw\n" * 3)
    started = caller.upload(buffer.getvalue(), archive_passwords="wrong\r\n with a blank\r\n")
    assert started.status_code == 202
    assert b"with a blank" not in bytes(Import.objects.get().sealed_passwords or b"")
    run_import(UUID(started.json()["id"]))
    assert Credential.objects.count() == 1
