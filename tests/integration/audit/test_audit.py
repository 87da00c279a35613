"""Audit rows in the database: written with what they record, and any meddling is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditChain, AuditRow
from emberwatch.audit.queries import newest_rows, verify_chain
from emberwatch.audit.services import record
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_tenant

pytestmark = pytest.mark.django_db


def filled() -> Tenant:
    tenant = make_tenant()
    for number in range(4):
        with transaction.atomic():
            record(
                tenant.id,
                "test.action",
                f"thing:{number}",
                actor=SYSTEM,
                now=NOW,
                facts={"n": number, "x": None},
            )
    return tenant


def test_a_chain_holds_and_is_read_newest_first() -> None:
    tenant = filled()
    assert verify_chain(tenant.id) == (5, None)
    assert [row.sequence for row in newest_rows(tenant.id, limit=2)] == [5, 4]
    assert [row.sequence for row in newest_rows(tenant.id, before_sequence=4)] == [3, 2, 1]


def _renumber(tenant: Tenant) -> None:
    rows = AuditRow.objects.filter(chain=tenant.id)
    rows.filter(sequence=2).update(sequence=99)
    rows.filter(sequence=3).update(sequence=2)
    rows.filter(sequence=99).update(sequence=3)


@pytest.mark.parametrize(
    ("meddle", "sequence"),
    [
        (lambda t: AuditRow.objects.filter(chain=t.id, sequence=3).update(actor="nobody"), 3),
        (lambda t: AuditRow.objects.filter(chain=t.id, sequence=3).update(facts={"n": 7}), 3),
        (lambda t: AuditRow.objects.filter(chain=t.id, sequence=3).delete(), 3),
        (lambda t: AuditRow.objects.filter(chain=t.id, sequence=5).delete(), 5),
        (lambda t: AuditRow.objects.filter(chain=t.id).delete(), 1),
        (lambda t: AuditChain.objects.filter(chain=t.id).update(length=4), 5),
        (_renumber, 2),
        (lambda t: AuditChain.objects.filter(chain=t.id).delete(), 1),
    ],
    ids=[
        "changed",
        "changed facts",
        "removed",
        "tail cut",
        "emptied",
        "head moved",
        "reordered",
        "head removed",
    ],
)
def test_meddling_is_found(meddle: Callable[[Tenant], object], sequence: int) -> None:
    tenant = filled()
    meddle(tenant)
    fault = verify_chain(tenant.id)[1]
    assert fault is not None
    assert fault.sequence == sequence


def test_a_row_cannot_stand_without_what_it_records() -> None:
    tenant = make_tenant()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        record(tenant.id, "test.action", "x", actor=SYSTEM, now=NOW)
        _ = 1 / 0
    assert verify_chain(tenant.id) == (1, None)


@pytest.mark.django_db(transaction=True)
def test_a_row_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError):
        record(None, "test.action", "x", actor=SYSTEM, now=NOW)
