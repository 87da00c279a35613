"""Uploaded tables that wait for nobody: the sealed file goes, and the page says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.clock import utc_now
from emberwatch.core.errors import Conflict
from emberwatch.core.secret import Secret
from emberwatch.ingestion.columns import confirm_columns
from emberwatch.ingestion.expiring import expire_reviews, remove_failed
from emberwatch.ingestion.locations import look_at, spool_of
from emberwatch.ingestion.models import Import, ImportState
from emberwatch.ingestion.running import run_import
from emberwatch.ingestion.services import (
    ImportOptions,
    open_upload,
    request_import,
    request_location,
    retry_import,
)
from emberwatch.ingestion.tasks import tidy
from emberwatch.sources.base import SkipReason
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_tenant, make_user

pytestmark = pytest.mark.django_db(transaction=True)

CSV = "email,password\n" + "".join(f"ann{n}@contoso.example,pw{n}\n" for n in range(9))
LATER = NOW + timedelta(days=7, seconds=1)


def waiting(tenant: Tenant) -> Import:
    import_id, writer = open_upload(tenant, actor=SYSTEM)
    writer.write(CSV.encode())
    writer.finish()
    options = ImportOptions(review=True, passwords=(Secret("of-the-archive"),))
    return request_import(tenant, import_id, "table.csv", writer.size, options, actor=SYSTEM, now=NOW)


def test_after_seven_days_the_upload_is_gone_and_everybody_is_told() -> None:
    found = waiting(make_tenant())
    assert found.state == ImportState.REVIEW and spool_of(found).exists()
    assert expire_reviews(7, now=NOW + timedelta(days=7)) == 0
    assert expire_reviews(7, now=LATER) == 1
    found.refresh_from_db()
    assert (found.state, found.sealed_passwords) == (ImportState.EXPIRED, None)
    assert "within 7 days" in found.error and not spool_of(found).exists()
    row = AuditRow.objects.get(action="import.expired")
    assert (row.subject, row.actor) == (f"import:{found.pk}", "system")
    assert expire_reviews(7, now=LATER) == 0
    with pytest.raises(Conflict):
        confirm_columns(found, ("login", "password"), actor=SYSTEM, now=LATER)


def test_what_was_confirmed_or_lies_elsewhere_is_left_alone(tmp_path: Path) -> None:
    tenant = make_tenant()
    confirmed = waiting(tenant)
    confirm_columns(confirmed, ("login", "password"), actor=SYSTEM, now=NOW)
    path = tmp_path / "table.csv"
    path.write_text(CSV)
    elsewhere = request_location(
        tenant, look_at(str(path)), ImportOptions(review=True), actor=SYSTEM, now=NOW
    )
    assert elsewhere.state == ImportState.REVIEW
    assert expire_reviews(7, now=LATER) == 0
    assert path.exists() and spool_of(confirmed).exists()


def test_it_happens_by_itself() -> None:
    found = waiting(make_tenant())
    fresh = waiting(make_tenant("tailspin.example", name="Tailspin"))
    Import.objects.filter(pk=fresh.pk).update(requested_at=utc_now())
    Import.objects.filter(pk=found.pk).update(requested_at=utc_now() - timedelta(days=8))
    tidy()
    assert set(Import.objects.values_list("pk", "state")) == {(found.pk, "expired"), (fresh.pk, "review")}


def test_the_page_says_what_became_of_it(client: Client) -> None:
    tenant = make_tenant()
    found = waiting(tenant)
    client.force_login(make_user(tenant, "analyst"))
    page = reverse("import", args=[tenant.pk, found.pk])
    assert "What do the columns hold?" in client.get(page).content.decode()
    expire_reviews(7, now=LATER)
    shown = client.get(page).content.decode()
    assert "Nobody confirmed its columns within 7 days" in shown and "Upload it again" in shown
    assert "What do the columns hold?" not in shown and "Undo import" not in shown


def test_the_upload_of_a_failed_import_goes_too() -> None:
    tenant = make_tenant()
    import_id, writer = open_upload(tenant, actor=SYSTEM)
    writer.write(b"PK\x05\x06" + bytes(16) + b"no archive")
    writer.finish()
    found = request_import(tenant, import_id, "x.zip", writer.size, ImportOptions(), actor=SYSTEM, now=NOW)
    run_import(found.pk, clock=lambda: NOW)
    found.refresh_from_db()
    assert (found.state, found.read) == (ImportState.FAILED, 0)
    assert found.error == f"Nothing in this file could be read. {SkipReason.DAMAGED.label}."
    assert remove_failed(7, now=NOW + timedelta(days=7)) == 0 and spool_of(found).exists()
    assert remove_failed(7, now=LATER) == 1 and not spool_of(found).exists()
    assert remove_failed(7, now=LATER) == 0
    assert AuditRow.objects.get(action="import.upload_removed").subject == f"import:{found.pk}"
    with pytest.raises(Conflict, match="removed"):
        retry_import(found, actor=SYSTEM, now=LATER)
