"""A walk along the cursors meets every row exactly once, in order, also when rows share a moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.accounts.models import Role
from emberwatch.audit.queries import newest_rows
from emberwatch.ingestion.services import ImportOptions, open_upload, request_import
from tests.factories import NOW, make_credential, make_tenant
from tests.integration.api.conftest import Caller, caller_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return caller_for(make_tenant(), Role.ADMIN)


def walk(caller: Caller, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(100):
        joint = "&" if "?" in path else "?"
        page = caller.get(caller.here(f"{path}{joint}limit={limit}{cursor and '&cursor='}{cursor}")).json()
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
def test_the_feed(caller: Caller, limit: int) -> None:
    made = [
        make_credential(caller.tenant, f"p{n}@contoso.example", now=NOW + timedelta(seconds=n // 3))
        for n in range(7)
    ]
    rows = sorted(made, key=lambda row: (row.last_seen_at, row.id), reverse=True)
    assert [item["id"] for item in walk(caller, "/credentials", limit)] == [str(row.id) for row in rows]
    narrowed = walk(caller, "/credentials?text=p3", limit)
    assert [item["login"] for item in narrowed] == ["p3@contoso.example"]


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_imports(caller: Caller, limit: int) -> None:
    ids = []
    for number in range(4):
        import_id, spool = open_upload(caller.tenant, actor=SYSTEM)
        spool.finish()
        request_import(caller.tenant, import_id, f"{number}.txt", 0, ImportOptions(), actor=SYSTEM, now=NOW)
        ids.append(str(import_id))
    assert [item["id"] for item in walk(caller, "/imports", limit)] == ids[::-1]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_the_audit_chain(caller: Caller, limit: int) -> None:
    expected = [row.sequence for row in newest_rows(caller.tenant.id)]
    assert len(expected) > 2
    assert [item["sequence"] for item in walk(caller, "/audit", limit)] == expected


@pytest.mark.parametrize("path", ["/credentials", "/imports", "/audit"])
@pytest.mark.parametrize(
    "cursor", ["x", "%00", "AAAA", "bnVsbA", "-1", "9" * 30, "W10", "[" * 300, "%F0%9F%92%A9"]
)
def test_a_cursor_of_somebody_else_is_refused(caller: Caller, path: str, cursor: str) -> None:
    assert caller.get(caller.here(path)).status_code == 200
    answer = caller.get(caller.here(f"{path}?cursor={cursor}"))
    assert answer.status_code == 422
    assert answer.json()["field"] == "cursor"
