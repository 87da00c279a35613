"""The tenant feed: order, keyset paging, filters, and who may open a password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from emberwatch.accounts.actor import SYSTEM
from emberwatch.audit.models import AuditRow
from emberwatch.core.errors import BadInput, NotAllowed, NotFound
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential
from emberwatch.exposures.queries import FeedFilter, access_credential, feed_count, feed_page, group_counts
from emberwatch.exposures.services import reveal, set_verdict
from emberwatch.tenants.policy import Permission
from tests.factories import NOW, make_actor, make_credential, make_tenant

pytestmark = pytest.mark.django_db


def test_paging_walks_every_row_once_in_order() -> None:
    tenant = make_tenant()
    for number in range(23):
        make_credential(tenant, password=f"p{number}", now=NOW + timedelta(minutes=number // 5))
    make_credential(make_tenant(), password="somebody else's")

    seen, cursor = [], ""
    while True:
        page = feed_page(tenant, FeedFilter(), cursor=cursor, limit=7)
        seen += page.credentials
        cursor = page.next_cursor
        if not cursor:
            break

    assert len(seen) == 23 == len({credential.id for credential in seen})
    assert seen == sorted(seen, key=lambda c: (c.last_seen_at, c.id), reverse=True)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "====",
        "W10",
        "WyJhIiwiYiJd",
        "WyIyMDI2LTAxLTAxIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0",
        "é",
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput):
        feed_page(make_tenant(), FeedFilter(), cursor=cursor)


def test_filters_narrow_and_combine() -> None:
    tenant = make_tenant("contoso.example", "fabrikam.example")
    ann = make_credential(tenant, "Ann@contoso.example", source_kind="ulp")
    make_credential(tenant, "ben@fabrikam.example", source_kind="stealer_log", now=NOW + timedelta(days=3))
    set_verdict(ann, Verdict.ACTIVE_CHALLENGED, Certainty.PROVED, {}, actor=SYSTEM, now=NOW)

    def logins(**values: str) -> list[str]:
        page = feed_page(tenant, FeedFilter.from_query(values))
        return [credential.login for credential in page.credentials]

    assert logins(group="active") == ["Ann@contoso.example"]
    assert logins(verdict="active_challenged", certainty="proved") == ["Ann@contoso.example"]
    assert logins(group="not_validated") == ["ben@fabrikam.example"]
    assert logins(source_kind="stealer_log") == ["ben@fabrikam.example"]
    assert logins(domain="contoso.example") == ["Ann@contoso.example"]
    assert logins(text="ANN@") == ["Ann@contoso.example"]
    assert logins(since="2026-06-02") == ["ben@fabrikam.example"]
    assert logins(until="2026-06-01") == ["Ann@contoso.example"]
    assert logins(text="%") == []
    assert logins(group="active", domain="fabrikam.example") == []
    assert group_counts(tenant) == {"active": 1, "not_active": 0, "cannot_tell": 0, "not_validated": 1}
    assert feed_count(tenant, FeedFilter()) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"group": "red"},
        {"verdict": "x"},
        {"since": "yesterday"},
        {"until": "2026-13-01"},
        {"source_kind": "?"},
    ],
)
def test_a_bad_filter_is_named(values: dict[str, str]) -> None:
    with pytest.raises(BadInput) as caught:
        FeedFilter.from_query(values)
    assert caught.value.field == next(iter(values))


@pytest.mark.parametrize("extreme", ["9999-12-31", "0001-01-01", "9999-12-31T23:59:59+00:00"])
def test_extreme_dates_are_only_dates(extreme: str) -> None:
    tenant = make_tenant()
    wanted = FeedFilter.from_query({"since": extreme, "until": extreme})
    assert feed_page(tenant, wanted).credentials == []


def test_somebody_elses_credential_looks_like_a_missing_one() -> None:
    tenant, other = make_tenant(), make_tenant()
    actor, theirs = make_actor(tenant, "admin"), make_credential(other)
    mine = make_credential(tenant)
    assert access_credential(actor, tenant.id, mine.id, Permission.VIEW_FEED) == mine

    refusals = []
    for tenant_id, credential_id in (
        (tenant.id, theirs.id),
        (other.id, theirs.id),
        (tenant.id, tenant.id),
        ("x", "y"),
    ):
        with pytest.raises(NotFound) as caught:
            access_credential(actor, tenant_id, credential_id, Permission.VIEW_FEED)
        refusals.append(type(caught.value))
    assert len(refusals) == 4


def test_revealing_takes_a_role_and_a_reason_and_is_written_down() -> None:
    tenant = make_tenant()
    credential = make_credential(tenant, password="Leaked-1")
    with pytest.raises(NotAllowed):
        reveal(credential, reason="curious", actor=make_actor(tenant, "viewer"), now=NOW)
    analyst = make_actor(tenant, "analyst")
    with pytest.raises(BadInput):
        reveal(credential, reason="  ", actor=analyst, now=NOW)
    assert not AuditRow.objects.filter(action="credential.revealed").exists()

    assert reveal(credential, reason="ticket 7", actor=analyst, now=NOW).expose() == "Leaked-1"
    row = AuditRow.objects.get(action="credential.revealed")
    assert (row.actor, row.reason, row.chain) == (analyst.label, "ticket 7", tenant.id)


def test_a_verdict_keeps_the_ones_before_it() -> None:
    credential = make_credential(make_tenant())
    for verdict in (Verdict.INACTIVE, Verdict.ACTIVE):
        set_verdict(
            credential, verdict, Certainty.PROVED, {"because": verdict}, actor=SYSTEM, now=datetime.now(UTC)
        )
    assert [entry.verdict for entry in credential.verdict_records.all()] == ["active", "inactive"]
    assert Credential.objects.get().verdict_group == "active"
