"""The ledger page and its exports: whose sign-ins are shown, how much of them, and what a spreadsheet meets."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.models import Role
from emberwatch.audit.models import AuditRow
from emberwatch.core.errors import BadInput
from emberwatch.directories.models import DirectoryConnection
from emberwatch.identities.models import Identity
from emberwatch.tenants.models import Tenant
from emberwatch.validation.budget import RESTS_FOR
from emberwatch.validation.ledger_export import ExportForm, cell, exported
from emberwatch.validation.models import ForeignFailure
from emberwatch.validation.proof import Entry, LedgerFilter, account_budget, ledger_page, whole_ledger
from tests.factories import NOW, make_attempt, make_credential, make_tenant
from tests.integration.web.conftest import Visit, page

pytestmark = pytest.mark.django_db

HERE: Final = UUID("11111111-aaaa-4bbb-8ccc-000000000001")


def connected(tenant: Tenant, **facts: Any) -> DirectoryConnection:
    ordinary = {"entra_tenant_id": HERE, "client_id": uuid4(), "cloud": "global"}
    times = {"last_good_check_at": NOW, "created_at": NOW, "updated_at": NOW}
    return DirectoryConnection.objects.create(tenant=tenant, **{**ordinary, **times, **facts})


def met(tenant: Tenant, upn: str = "ann@contoso.example") -> Identity:
    return Identity.objects.create(
        tenant=tenant, entra_tenant_id=HERE, object_id=uuid4(), user_principal_name=upn, read_at=NOW
    )


def sent(client: Client, address: str) -> str:
    """What a streamed answer holds in the end."""
    return client.get(address).getvalue().decode()


def ledger(tenant: Tenant) -> str:
    return reverse("attempts", args=[tenant.id])


def test_a_row_says_all_of_ones_own_and_little_of_others(visit: Visit, tenant: Tenant) -> None:
    connected(tenant)
    credential = make_credential(tenant)
    other = make_tenant(name="Somebody else")
    theirs = make_attempt(other, HERE, user_principal_name="bob@other.example", requested_by="their analyst")
    mine = make_attempt(tenant, HERE, credential=credential)
    elsewhere = make_attempt(other, uuid4())
    html = page(visit(Role.ANALYST), ledger(tenant))
    for shown in (mine.id, "ann the analyst", "50126", "trace-of-microsoft", credential.id, theirs.id):
        assert str(shown) in html
    assert "another workspace" in html
    for hidden in ("bob@other.example", "their analyst", "Somebody else", str(elsewhere.id)):
        assert hidden not in html


def test_a_directory_that_was_only_typed_shows_nothing_of_others(tenant: Tenant) -> None:
    make_attempt(make_tenant(), HERE)
    mine = make_attempt(tenant, HERE)
    connection = connected(tenant, last_good_check_at=None)
    assert [entry.attempt for entry in whole_ledger(tenant, LedgerFilter())] == [mine]
    DirectoryConnection.objects.filter(pk=connection.pk).update(last_good_check_at=NOW)
    assert len(list(whole_ledger(tenant, LedgerFilter()))) == 2


def test_pages_are_whole_and_newest_first(tenant: Tenant) -> None:
    connected(tenant)
    rows = [make_attempt(tenant, HERE, at=NOW + timedelta(minutes=n // 2)) for n in range(5)]
    rows += [make_attempt(tenant, uuid4(), at=NOW + timedelta(minutes=n)) for n in range(3)]
    found, cursor = [], ""
    while True:
        part = ledger_page(tenant, LedgerFilter(), cursor=cursor, limit=3)
        found += [entry.attempt for entry in part.entries]
        cursor = part.next_cursor
        if not cursor:
            break
    assert found == sorted(rows, key=lambda row: (row.reserved_at, row.id), reverse=True)
    assert [entry.attempt for entry in whole_ledger(tenant, LedgerFilter())] == found
    with pytest.raises(BadInput):
        ledger_page(tenant, LedgerFilter(), cursor="x")


def test_filters_narrow_it(tenant: Tenant) -> None:
    connected(tenant)
    ann = met(tenant)
    right = make_attempt(tenant, HERE, object_id=ann.object_id, code="0", verdict="active", origin="run")
    theirs = make_attempt(make_tenant(), HERE, object_id=ann.object_id, at=NOW - timedelta(days=1))
    other = make_attempt(tenant, HERE)
    cases: list[tuple[dict[str, str], set[object]]] = [
        ({"account": "Ann@contoso.example"}, {right, theirs}),
        ({"account": str(ann.object_id)}, {right, theirs}),
        ({"account": "nobody@contoso.example"}, set()),
        ({"code": "0"}, {right}),
        ({"verdict": "active"}, {right}),
        ({"origin": "run"}, {right}),
        ({"since": f"{NOW:%Y-%m-%d}"}, {right, other}),
        ({"until": f"{NOW - timedelta(days=1):%Y-%m-%d}"}, {theirs}),
    ]
    for values, expected in cases:
        found = {entry.attempt for entry in whole_ledger(tenant, LedgerFilter.from_query(values))}
        assert found == expected, values
    for bad in ({"verdict": "perhaps"}, {"origin": "x"}, {"since": "soon"}):
        with pytest.raises(BadInput):
            LedgerFilter.from_query(bad)


def test_the_budget_of_an_account_counts_what_everybody_failed(visit: Visit, tenant: Tenant) -> None:
    connected(tenant, lockout_threshold=10)
    ann = met(tenant)
    assert account_budget(tenant, ann.object_id, NOW).remaining.left == 2
    make_attempt(make_tenant(), HERE, object_id=ann.object_id, at=NOW - timedelta(hours=2))
    assert account_budget(tenant, ann.object_id, NOW).remaining.left == 1
    by_others = NOW - timedelta(hours=1)
    ForeignFailure.objects.create(entra_tenant_id=HERE, object_id=ann.object_id, at=by_others)
    budget = account_budget(tenant, ann.object_id, NOW)
    assert (budget.remaining.left, budget.others) == (0, [by_others])
    assert budget.remaining.next_slot_at == NOW - timedelta(hours=2) + RESTS_FOR
    assert "Budget of ann@contoso.example" in page(
        visit(Role.ANALYST), f"{ledger(tenant)}?account={ann.object_id}"
    )


def test_an_export_holds_the_rows_and_leaves_an_audit_row(visit: Visit, tenant: Tenant) -> None:
    connected(tenant)
    attempt = make_attempt(tenant, HERE, requested_by="=cmd|' /C calc'!A0")
    address, analyst = reverse("export_attempts", args=[tenant.id]), visit(Role.ANALYST)
    lines = sent(analyst, f"{address}?format=csv&code=50126").splitlines()
    [row] = csv.DictReader(lines)
    assert tuple(row) == Entry.COLUMNS
    assert (row["id"], row["requested_by"], row["counts_as_failed"]) == (
        str(attempt.id),
        "'=cmd|' /C calc'!A0",
        "true",
    )
    told = json.loads(sent(analyst, f"{address}?format=jsonl"))
    assert (told["id"], told["requested_by"]) == (str(attempt.id), attempt.requested_by)
    audited = AuditRow.objects.filter(action="attempts.exported").order_by("sequence")
    assert [row.facts for row in audited] == [{"format": "csv", "code": "50126"}, {"format": "jsonl"}]
    assert analyst.get(f"{address}?format=xls").status_code == 400


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(mark: str) -> None:
    assert cell(f"{mark}1") == f"'{mark}1"
    assert cell(f"a{mark}1") == f"a{mark}1"


def test_an_empty_export_still_names_its_columns(tenant: Tenant) -> None:
    assert len(list(exported(whole_ledger(tenant, LedgerFilter()), ExportForm.CSV))) == 1


def test_who_may_read_it(visit: Visit, tenant: Tenant) -> None:
    connected(tenant)
    for address in (ledger(tenant), reverse("export_attempts", args=[tenant.id])):
        statuses = [visit(who).get(address).status_code for who in (Role.VIEWER, Role.ANALYST, Role.ADMIN)]
        assert statuses == [403, 200, 200]
        assert visit("stranger").get(address).status_code == 404


def test_an_empty_ledger_says_what_to_do(visit: Visit, tenant: Tenant) -> None:
    assert "Nothing has been sent yet" in page(visit(Role.ANALYST), ledger(tenant))
    assert "Nothing matches" in page(visit(Role.ANALYST), f"{ledger(tenant)}?code=1")
