"""Stolen cookies: sealed, counted apart, one row each whatever number of leaks holds them, and undone with them."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from django.db import connection

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.clock import utc_now
from emberwatch.exposures.models import Cookie, Credential, Machine, Source
from emberwatch.exposures.queries import live_cookie_count, newest_machines
from emberwatch.ingestion import cookies
from emberwatch.ingestion.counts import ImportCounts
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.running import plan_import, run_open_pieces
from emberwatch.ingestion.services import ImportOptions, begin_file, import_file
from emberwatch.ingestion.undoing import request_undo, run_undo
from emberwatch.tenants.models import Tenant
from emberwatch.tenants.services import set_watchlist
from emberwatch.vault.crypto import VaultError
from emberwatch.vault.services import tenant_vault
from tests.factories import NOW, make_tenant

pytestmark = pytest.mark.django_db

CANARY: Final = "canary-session-5Xw"
FUTURE: Final = int((utc_now() + timedelta(days=90)).timestamp())
PAST: Final = 1_600_000_000


def cookie(host: str, name: str, expires: int, value: str = CANARY) -> str:
    return f"{host}\tTRUE\t/\tTRUE\t{expires}\t{name}\t{value}\n"


COOKIES: Final = (
    cookie(".portal.contoso.example", "SESSION", FUTURE)
    + cookie("contoso.example", "old", PAST)
    + cookie(".contoso.example.evil.test", "SESSION", FUTURE)
    + cookie("shop.test", "basket", FUTURE)
    + "no cookie at all ann@contoso.example:pw\n"
)
BLOCK: Final = (
    "URL: https://portal.test/\nUsername: ann@contoso.example\nPassword: {}\nApplication: Chrome\n====\n"
)
SYSTEM_FILE: Final = "Build ID: x\nHWID: HW1\nMachineName: PC1\nUserName: ann\nCountry: NL\n"


def logs(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


LOG: Final = {
    "v/UserInformation.txt": SYSTEM_FILE,
    "v/Passwords.txt": BLOCK.format("pw"),
    "v/Cookies/Chrome_Default.txt": COOKIES,
    "v/Cookies/Edge_Default.txt": cookie(".portal.contoso.example", "SESSION", FUTURE),
    "v/Cookies/Empty.txt": "",
    "v/FileGrabber/cookies.txt": cookie("contoso.example", "grabbed", FUTURE),
    "v/Autofill/Chrome.txt": "ann@contoso.example:autofill\n",
}


def imported(tenant: Tenant, path: Path, data: bytes | str) -> Import:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return import_file(tenant, path, ImportOptions(), actor=SYSTEM)


def kept() -> set[tuple[str, str]]:
    return set(Cookie.objects.values_list("host", "name"))


def undone(done: Import) -> Import:
    request_undo(done, actor=SYSTEM, now=NOW)
    run_undo(done.pk)
    done.refresh_from_db()
    assert done.state == ImportState.UNDONE
    return done


def test_cookies_of_our_sites_are_kept_and_counted_apart(tmp_path: Path) -> None:
    done = imported(make_tenant(), tmp_path / "logs.zip", logs(LOG))
    assert kept() == {("portal.contoso.example", "SESSION"), ("contoso.example", "old")}
    assert Credential.objects.count() == 1
    assert (done.read, done.matched_new, done.foreign, done.duplicate, done.rejected) == (1, 1, 0, 0, 0)
    found = ImportCounts.from_dict(done.cookies)
    assert found == ImportCounts(read=6, foreign=2, matched_new=2, duplicate=1, rejected=1)
    assert found.adds_up()
    assert [reject["sample"] for reject in done.rejects if "ann" in str(reject)] == []
    assert Cookie.objects.get(name="SESSION").machine == Machine.objects.get()


def test_a_value_is_sealed_to_its_row(tmp_path: Path) -> None:
    tenant = make_tenant()
    imported(tenant, tmp_path / "logs.zip", logs(LOG))
    one, other = Cookie.objects.order_by("name")
    vault = tenant_vault(tenant.id)
    assert vault.open(bytes(one.sealed_value), cookies.value_context_of(one.id)).expose() == CANARY
    with pytest.raises(VaultError):
        vault.open(bytes(one.sealed_value), cookies.value_context_of(other.id))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM exposures_cookie c WHERE c::text LIKE %s", [f"%{CANARY}%"])
        assert cursor.fetchone() == (0,)


def test_the_same_cookie_again_is_no_second_row_and_stays_until_both_are_undone(tmp_path: Path) -> None:
    tenant = make_tenant()
    first = imported(tenant, tmp_path / "logs.zip", logs(LOG))
    second = imported(tenant, tmp_path / "again.zip", logs(LOG))
    assert ImportCounts.from_dict(second.cookies).duplicate == 3
    assert Cookie.objects.count() == 2
    assert undone(first).undone.get("cookies") == 0
    assert {(row.import_id, tuple(row.also_in)) for row in Cookie.objects.all()} == {(second.pk, ())}
    assert Machine.objects.count() == 1
    assert undone(second).undone["cookies"] == 2
    assert [model.objects.count() for model in (Cookie, Machine, Credential)] == [0, 0, 0]


def test_machines_and_sources_go_with_the_only_import_that_brought_cookies_of_them(tmp_path: Path) -> None:
    only_cookies = {name: text for name, text in LOG.items() if "Passwords" not in name}
    done = imported(make_tenant(), tmp_path / "logs.zip", logs(only_cookies))
    assert (Machine.objects.count(), Source.objects.count()) == (1, 1)
    assert undone(done).undone["machines"] == 1
    assert [model.objects.count() for model in (Cookie, Machine, Source)] == [0, 0, 0]


def test_undoing_the_later_import_leaves_the_cookie_with_the_first(tmp_path: Path) -> None:
    tenant = make_tenant()
    first = imported(tenant, tmp_path / "logs.zip", logs(LOG))
    undone(imported(tenant, tmp_path / "again.zip", logs(LOG)))
    assert {(row.import_id, tuple(row.also_in)) for row in Cookie.objects.all()} == {(first.pk, ())}


def test_another_value_or_machine_is_another_cookie(tmp_path: Path) -> None:
    tenant = make_tenant()
    line = cookie("contoso.example", "a", FUTURE)
    log = {"v/UserInformation.txt": SYSTEM_FILE, "v/Cookies/a.txt": line}
    imported(tenant, tmp_path / "a.zip", logs(log))
    imported(tenant, tmp_path / "b.zip", logs(log | {"v/Cookies/a.txt": line.replace(CANARY, "b")}))
    imported(tenant, tmp_path / "c.zip", logs(log | {"v/UserInformation.txt": "HWID: HW2\nUserName: b\n"}))
    assert Cookie.objects.count() == 3
    assert [machine.live_cookie_count for machine in newest_machines(tenant)] == [1, 2]  # type: ignore[attr-defined]


def test_which_of_them_could_be_used_at_the_import(tmp_path: Path) -> None:
    lines = (
        cookie("contoso.example", "later", FUTURE)
        + cookie("contoso.example", "browser", 0)
        + cookie("contoso.example", "over", PAST)
    )
    imported(
        make_tenant(), tmp_path / "logs.zip", logs({"v/System.txt": SYSTEM_FILE, "v/Cookies/a.txt": lines})
    )
    assert {row.name: row.was_live for row in Cookie.objects.all()} == {
        "later": True,
        "browser": True,
        "over": False,
    }
    assert live_cookie_count(Machine.objects.get()) == 2


def test_sites_that_are_login_hosts_count_too(tmp_path: Path) -> None:
    tenant = make_tenant()
    set_watchlist(tenant, [], ["vpn.partner.test"], actor=SYSTEM, now=NOW)
    imported(tenant, tmp_path / "cookies.txt", cookie("vpn.partner.test", "a", FUTURE) + COOKIES)
    assert ("vpn.partner.test", "a") in kept()


def test_a_cookie_file_by_itself_is_read_as_such_at_any_size(tmp_path: Path) -> None:
    done = imported(
        make_tenant(), tmp_path / "any name.txt", COOKIES + cookie("shop.test", "n", FUTURE) * 1000
    )
    found = ImportCounts.from_dict(done.cookies)
    assert (found.read, found.matched_new, done.read) == (1005, 2, 0)
    assert Cookie.objects.filter(machine=None).count() == 2
    assert done.source is not None
    assert done.source.kind == "stealer_log"


def test_a_stopped_import_goes_on_after_the_cookies_that_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, path = make_tenant(), tmp_path / "logs.zip"
    path.write_bytes(logs({"v/System.txt": SYSTEM_FILE, "v/Cookies/a.txt": COOKIES * 20}))
    monkeypatch.setattr("emberwatch.ingestion.streams.STEP_CREDENTIALS", 7)
    begun = begin_file(tenant, str(path), ImportOptions(), actor=SYSTEM)

    def stop(position: int, entries_read: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_open_pieces(begun.pk, progress=stop)
    assert begun.pieces.get().entry == 7
    plan_import(begun.pk)
    run_open_pieces(begun.pk)
    begun.refresh_from_db()
    assert ImportCounts.from_dict(begun.cookies) == ImportCounts(100, 40, 2, 38, 20)
