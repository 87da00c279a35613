"""Tables whose columns a person looks at and puts right before they are imported."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.errors import BadInput, Conflict, NotAllowed
from emberwatch.exposures.models import Credential
from emberwatch.exposures.services import open_secret
from emberwatch.ingestion.columns import columns_of, confirm_columns
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.services import ImportOptions, import_file, open_upload, request_import
from emberwatch.ingestion.undoing import request_undo, run_undo
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_actor, make_tenant

pytestmark = pytest.mark.django_db

# The names tell a login and a password, and tell them wrong.
CSV: Final = "email,password,note\n" + "".join(f"ann{n}@contoso.example,5,True-pw-{n}\n" for n in range(30))
ROLES: Final = ("login", "ignored", "password")


def uploaded(tenant: Tenant, text: str, name: str = "table.csv", **options: object) -> Import:
    import_id, writer = open_upload(tenant, actor=SYSTEM)
    writer.write(text.encode())
    writer.finish()
    wanted = ImportOptions(**options)  # type: ignore[arg-type]
    return request_import(tenant, import_id, name, writer.size, wanted, actor=SYSTEM, now=NOW)


def passwords(tenant: Tenant) -> set[str]:
    return {open_secret(each).expose() for each in Credential.objects.filter(tenant=tenant)}


def finished(import_id: UUID) -> Import:
    run_import(import_id)
    return Import.objects.get(pk=import_id)


def test_a_table_waits_and_is_read_as_it_was_put_right() -> None:
    tenant = make_tenant()
    waiting = uploaded(tenant, CSV, review=True)
    assert finished(waiting.pk).state == ImportState.REVIEW
    guessed = columns_of(waiting)
    assert [column.role for column in guessed.columns] == ["login", "password", "ignored"]
    assert "True-pw" not in str(guessed) and "ann" not in str(guessed)
    confirm_columns(waiting, ROLES, actor=SYSTEM, now=NOW)
    assert AuditRow.objects.filter(action="import.columns_confirmed").exists()
    done = finished(waiting.pk)
    assert (done.state, done.matched_new, done.columns) == ("done", 30, list(ROLES))
    assert "True-pw-7" in passwords(tenant)
    with pytest.raises(Conflict):
        confirm_columns(done, ROLES, actor=SYSTEM, now=NOW)


def test_only_tables_wait_and_only_when_asked_for() -> None:
    tenant = make_tenant()
    assert uploaded(tenant, CSV).state == ImportState.QUEUED
    assert uploaded(tenant, "ann@contoso.example:pw\n" * 9, "a.txt", review=True).state == ImportState.QUEUED


@pytest.mark.parametrize("roles", [("login",), ("login", "login", "url"), ("login", "magic", "password")])
def test_columns_that_do_not_fit_are_refused_and_nothing_moves(roles: tuple[str, ...]) -> None:
    tenant = make_tenant()
    waiting = uploaded(tenant, CSV, review=True)
    with pytest.raises(BadInput):
        confirm_columns(waiting, roles, actor=SYSTEM, now=NOW)
    assert Import.objects.get().state == ImportState.REVIEW
    with pytest.raises(BadInput):
        uploaded(tenant, CSV, columns=roles)
    assert Import.objects.count() == 1


def test_columns_for_what_is_no_table_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "leak.txt"
    path.write_text("ann@contoso.example:pw\n" * 9)
    with pytest.raises(BadInput, match="not a table"):
        import_file(make_tenant(), path, ImportOptions(columns=ROLES), actor=SYSTEM)
    assert not Import.objects.exists()


def test_only_who_may_import_may_say_so() -> None:
    tenant = make_tenant()
    waiting = uploaded(tenant, CSV, review=True)
    with pytest.raises(NotAllowed):
        confirm_columns(waiting, ROLES, actor=make_actor(tenant, "viewer"), now=NOW)
    confirm_columns(waiting, ROLES, actor=make_actor(tenant, "analyst"), now=NOW)


def test_a_waiting_table_can_be_thrown_away(data_dir: Path) -> None:
    waiting = uploaded(make_tenant(), CSV, review=True)
    request_undo(waiting, actor=SYSTEM, now=NOW)
    run_undo(waiting.pk)
    assert Import.objects.get().state == ImportState.UNDONE
    assert not (data_dir / "uploads" / f"{waiting.pk}.sealed").exists()


def test_a_table_without_anything_like_a_login_can_be_named_too() -> None:
    tenant = make_tenant()
    text = "7;ann@contoso.example;x;Pw-1\n8;bob;y;Pw-2\n9;cy;z;Pw-3\n"
    waiting = uploaded(tenant, text, format="csv", review=True)
    assert [column.name for column in columns_of(waiting).columns] == [f"column {n}" for n in (1, 2, 3, 4)]
    confirm_columns(waiting, ("ignored", "login", "ignored", "password"), actor=SYSTEM, now=NOW)
    done = finished(waiting.pk)
    assert (done.read, done.matched_new) == (3, 1)
    assert passwords(tenant) == {"Pw-1"}


@pytest.mark.parametrize(
    ("name", "text", "roles"),
    [
        (
            "a.jsonl",
            '{"email": "x@y.test", "password": "5", "note": "n"}\n'
            '{"email": "ann@contoso.example", "password": "5", "note": "True-pw"}\n',
            ROLES,
        ),
        (
            "a.sql",
            "INSERT INTO `users` (`email`,`password`,`note`) VALUES ('x@y.test','5','n'),"
            "('ann@contoso.example','5','True-pw');\n",
            ROLES,
        ),
        ("a.tsv", "email\tpassword\tnote\nx@y.test\t5\tn\nann@contoso.example\t5\tTrue-pw\n", ROLES),
    ],
)
def test_each_kind_of_table(name: str, text: str, roles: tuple[str, ...]) -> None:
    tenant = make_tenant()
    done = finished(uploaded(tenant, text, name, columns=roles).pk)
    assert (done.state, done.matched_new) == ("done", 1), done.error
    assert passwords(tenant) == {"True-pw"}


def test_a_later_part_of_a_file_with_other_names_is_still_read() -> None:
    """What a person has seen is the beginning; a dump goes on with other tables."""
    tenant = make_tenant()
    first = "INSERT INTO `a` (`email`,`pw`) VALUES ('x@y.test','longenough1');\n" * 2000
    rest = "INSERT INTO `b` (`mail`,`pass`) VALUES ('ann@contoso.example','Later-pw');\n"
    done = finished(uploaded(tenant, first + rest, "a.sql", columns=("login", "password")).pk)
    assert (done.state, done.matched_new) == ("done", 1), done.error


def test_without_a_correction_a_joined_file_is_read_by_each_of_its_headers() -> None:
    tenant = make_tenant()
    joined = "email,password\nx@y.test,pw-1\n\npassword,email\nLater-pw,ann@contoso.example\n"
    finished(uploaded(tenant, joined).pk)
    assert passwords(tenant) == {"Later-pw"}
