"""Imports and the tenant feed on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberwatch.api.shapes import CookieOut, CredentialOut, ImportOut, MachineListedOut
from emberwatch.audit.models import AuditRow
from emberwatch.exposures.models import Credential
from emberwatch.ingestion.models import Import
from emberwatch.tenants.models import Tenant
from tests.factories import make_credential, make_tenant
from tests.integration.cli.conftest import Run
from tests.integration.ingestion.test_columns import CSV
from tests.integration.ingestion.test_cookies import CANARY as CANARY_COOKIE
from tests.integration.ingestion.test_cookies import LOG, logs

pytestmark = pytest.mark.django_db

LINES = """ann@contoso.example:Xk2:9q pw
ben@notcontoso.example:other
cy@contoso.example:
ann@contoso.example:Xk2:9q pw
"""


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant("contoso.example", name="Contoso")


@pytest.fixture
def leak(tmp_path: Path) -> Path:
    path = tmp_path / "leak.txt"
    path.write_text(LINES)
    return path


def test_the_counts_add_up(run: Run, tenant: Tenant, leak: Path) -> None:
    options = ("--source-kind", "breach", "--source-name", "Old forum", "--leaked-at", "2024-05-06")
    (row,) = run("import", "Contoso", str(leak), *options, "--json").rows
    assert set(row) == set(ImportOut.model_fields)
    assert row["read"] == row["foreign"] + row["matched_new"] + row["duplicate"] + row["rejected"] == 4
    assert (row["matched_new"], row["duplicate"], row["rejected"]) == (1, 1, 1)
    assert (row["state"], row["source_name"], row["leaked_at"]) == (
        "done",
        "Old forum",
        "2024-05-06T00:00:00Z",
    )
    credential = Credential.objects.get(tenant=tenant)
    assert credential.source_kind == "breach"

    again = run("import", "Contoso", str(leak))
    assert again.code == 0
    assert again.out.split() and "leak.txt" in again.out
    assert "Xk2" not in again.out


def test_a_folder_stands_for_all_its_files(run: Run, tenant: Tenant, tmp_path: Path) -> None:
    for name, login in (("b/two.txt", "bo"), ("one.txt", "al"), ("b/c/three.txt", "cy")):
        path = tmp_path / "leaks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{login}@contoso.example:secret-{login}\n")
    rows = run("import", "Contoso", str(tmp_path / "leaks"), "--json").rows
    assert [row["file_name"] for row in rows] == ["three.txt", "two.txt", "one.txt"]
    assert Credential.objects.filter(tenant=tenant).count() == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("{leak}", "/nowhere/leak.txt"), "no file /nowhere/leak.txt"),
        (("{empty}",), "holds no file"),
        (("{leak}", "--leaked-at", "soon"), "--leaked-at"),
        (("{leak}", "--leaked-at", "2999-01-01"), "future"),
        (("{leak}", "--format", "docx"), "docx"),
        (("{leak}", "--source-kind", "rumour"), "rumour"),
    ],
)
def test_bad_input_imports_nothing(
    run: Run, tenant: Tenant, leak: Path, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "empty").mkdir()
    ran = run("import", "Contoso", *(a.format(leak=leak, empty=tmp_path / "empty") for a in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert not Credential.objects.filter(tenant=tenant).exists()


def test_the_feed_is_listed_with_the_names_of_the_api(run: Run, tenant: Tenant) -> None:
    make_credential(tenant, "ann@contoso.example", "One-Passw0rd")
    make_credential(make_tenant("fabrikam.example"), "eve@fabrikam.example", "Another-one")
    (row,) = run("credentials", "Contoso", "--json").rows
    assert set(row) == set(CredentialOut.model_fields)
    assert (row["login"], row["verdict"], row["verdict_group"]) == (
        "ann@contoso.example",
        "unvalidated",
        "not_validated",
    )
    assert (row["secret_length"], row["secret_classes"]) == (12, "aA1#")
    shown = run("credentials", "Contoso").out
    assert "ann@contoso.example" in shown and "•••• 12 aA1#" in shown
    assert "One-Passw0rd" not in shown


def test_every_page_of_the_feed_is_listed(run: Run, tenant: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("".join(f"u{n}@contoso.example:secret-{n}\n" for n in range(450)))
    run("import", "Contoso", str(path))
    rows = run("credentials", "Contoso", "--json").rows
    assert len({row["login"] for row in rows}) == len(rows) == 450


def test_filters(run: Run, tenant: Tenant) -> None:
    make_credential(tenant, "ann@contoso.example")
    make_credential(tenant, "ben@contoso.example")
    assert len(run("credentials", "Contoso", "--verdict", "unvalidated", "--json").rows) == 2
    assert run("credentials", "Contoso", "--group", "active", "--json").rows == []
    (row,) = run("credentials", "Contoso", "--text", "ben", "--json").rows
    assert row["login"] == "ben@contoso.example"
    wrong = run("credentials", "Contoso", "--verdict", "maybe")
    assert (wrong.code, "maybe" in wrong.err) == (2, True)


def test_revealing_needs_a_reason_and_leaves_a_row(run: Run, tenant: Tenant) -> None:
    credential = make_credential(tenant, "ann@contoso.example", "One-Passw0rd")
    for without in (("--reveal",), ("--reveal", "--reason", "  ")):
        refused = run("credentials", "Contoso", *without)
        assert (refused.code, refused.out) == (2, "")
        assert "--reason" in refused.err
    revealed = AuditRow.objects.filter(action="credential.revealed")
    assert not revealed.exists()

    (row,) = run("credentials", "Contoso", "--reveal", "--reason", "incident 7", "--json").rows
    assert row["password"] == "One-Passw0rd"
    entry = revealed.get()
    assert (entry.reason, entry.subject) == ("incident 7", f"credential:{credential.id}")
    assert entry.actor.startswith("cli:")
    assert "One-Passw0rd" in run("credentials", "Contoso", "--reveal", "--reason", "again").out
    assert revealed.count() == 2


def test_cookies_and_the_machines_they_are_from(run: Run, tenant: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "logs.zip"
    path.write_bytes(logs(LOG))
    (done,) = run("import", "Contoso", str(path), "--json").rows
    assert done["cookies"] == {"read": 6, "foreign": 2, "matched_new": 2, "duplicate": 1, "rejected": 1}
    assert (
        "cookies: 6 read = 2 foreign + 0 new + 3 duplicate + 1 rejected"
        in run("import", "Contoso", str(path)).out
    )
    (machine,) = run("machines", "Contoso", "--json").rows
    assert set(machine) == set(MachineListedOut.model_fields)
    assert (machine["cookie_count"], machine["live_cookie_count"]) == (2, 1)
    listed = run("cookies", "Contoso", "--json")
    assert {(row["host"], row["was_live"]) for row in listed.rows} == {
        ("portal.contoso.example", True),
        ("contoso.example", False),
    }
    assert set(listed.rows[0]) == set(CookieOut.model_fields)
    of_machine = run("cookies", "Contoso", "--machine", machine["id"])
    assert "portal.contoso.example" in of_machine.out
    assert CANARY_COOKIE not in listed.out + of_machine.out
    assert run("cookies", "Contoso", "--machine", "x").code != 0


def test_the_columns_of_a_table(run: Run, tenant: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(CSV)
    shown = run("import", "Contoso", str(path), "--preview")
    assert shown.code == 0
    assert "--columns login,password,-" in shown.out
    assert "True-pw" not in shown.out
    (row,) = run("import", "Contoso", str(path), "--preview", "--json").rows
    assert [column["role"] for column in row["columns"]] == ["login", "password", "ignored"]
    assert not Import.objects.exists()
    assert run("import", "Contoso", str(path), "--columns", "login,password").code == 2
    assert run("import", "Contoso", str(path), "--columns", "login,magic,-").code == 2
    (done,) = run("import", "Contoso", str(path), "--columns", "login,-,password", "--json").rows
    assert (done["matched_new"], done["columns"]) == (30, ["login", "ignored", "password"])


def test_a_preview_of_what_is_no_table(run: Run, tenant: Tenant, leak: Path) -> None:
    refused = run("import", "Contoso", str(leak), "--preview")
    assert refused.code == 2
    assert "not a table" in refused.err
