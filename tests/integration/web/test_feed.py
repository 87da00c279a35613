"""The tenant feed: what it shows to whom, filters in the address, paging, empty states, queries."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from emberwatch.accounts.actor import SYSTEM
from emberwatch.core.verdict import Certainty, Verdict
from emberwatch.exposures.models import Credential
from emberwatch.exposures.services import set_verdict
from emberwatch.ingestion.models import Import
from emberwatch.tenants.models import Tenant
from tests.factories import NOW, make_credential, make_tenant, make_user
from tests.integration.web.conftest import HTMX, Visit, page

pytestmark = pytest.mark.django_db

MASK = "•••••••• 15 · aA1#"


def feed(tenant: Tenant, query: str = "") -> str:
    return reverse("feed", args=[tenant.id]) + query


def rows_of(html: str) -> list[str]:
    return re.findall(r'hx-push-url="true" title="([^"]+)"', html)


def test_a_row_says_what_is_known(visit: Visit, tenant: Tenant) -> None:
    credential = make_credential(tenant, leaked_at=NOW - timedelta(days=9))
    set_verdict(credential, Verdict.SUPERSEDED, Certainty.LIKELY, {}, actor=SYSTEM, now=NOW)
    html = page(visit("analyst"), feed(tenant))
    for text in ("ann@contoso.example", MASK, "Combo list", "Not active", "Superseded, likely", "2026-05-23"):
        assert text in html


def test_a_viewer_gets_no_feature_of_a_password(visit: Visit, tenant: Tenant) -> None:
    credential = make_credential(tenant)
    addresses = (feed(tenant), reverse("credential", args=[tenant.id, credential.id]))
    for address in addresses:
        for headers in ({}, HTMX):
            analyst, viewer = (page(visit(role), address, **headers) for role in ("analyst", "viewer"))
            assert MASK in analyst
            assert "15 characters" in analyst
            assert "hidden" in viewer
            for feature in ("•", "aA1#", "characters:", "· a", "Reveal"):
                assert feature not in viewer, (address, feature)


def test_filters_stand_in_the_address(visit: Visit, tenant: Tenant) -> None:
    ann = make_credential(tenant, source_kind="ulp")
    make_credential(tenant, "ben@contoso.example", source_kind="stealer_log")
    set_verdict(ann, Verdict.ACTIVE, Certainty.PROVED, {}, actor=SYSTEM, now=NOW)
    client = visit("viewer")
    assert rows_of(page(client, feed(tenant))) == ["ben@contoso.example", "ann@contoso.example"]
    for query, logins in (
        ("?group=active", ["ann@contoso.example"]),
        ("?verdict=unvalidated", ["ben@contoso.example"]),
        ("?source_kind=ulp&text=ANN", ["ann@contoso.example"]),
        ("?domain=contoso.example&since=2026-06-02", []),
        ("?until=2026-06-01&text=ben", ["ben@contoso.example"]),
    ):
        assert rows_of(page(client, feed(tenant, query))) == logins, query
    html = page(client, feed(tenant, "?source_kind=ulp&text=ANN"))
    assert 'value="ANN"' in html
    assert '<option value="ulp" selected>' in html
    # Every tab keeps the other filters.
    assert "?source_kind=ulp&amp;text=ANN&amp;group=active" in html


def test_a_part_of_the_page_carries_the_tidy_address(visit: Visit, tenant: Tenant) -> None:
    make_credential(tenant)
    query = "?text=ann&verdict=&source_kind=&domain=&since=&until=&group="
    reply = visit("viewer").get(feed(tenant, query), headers=HTMX)
    assert reply.headers["HX-Push-Url"] == feed(tenant, "?text=ann")
    html = reply.content.decode()
    assert rows_of(html) == ["ann@contoso.example"]
    assert "<html" not in html
    assert 'id="filters"' not in html


@pytest.mark.parametrize("query", ["?group=red", "?since=yesterday", "?cursor=x", "?verdict=%00"])
def test_a_bad_filter_is_explained(visit: Visit, tenant: Tenant, query: str) -> None:
    make_credential(tenant)
    client = visit("viewer")
    assert client.get(feed(tenant)).status_code == 200
    reply = client.get(feed(tenant, query))
    expected = 200 if "%00" in query else 400
    assert reply.status_code == expected
    if expected == 400:
        assert "This cannot be used" in reply.content.decode()


def test_older_walks_through_every_row_once(visit: Visit, tenant: Tenant) -> None:
    for number in range(120):
        make_credential(tenant, f"p{number}@contoso.example", now=NOW + timedelta(seconds=number // 3))
    client, seen, address = visit("viewer"), [], feed(tenant, "?domain=contoso.example")
    while address:
        html = page(client, address)
        seen += rows_of(html)
        older = re.search(r'href="([^"]+)">Older', html)
        address = older.group(1).replace("&amp;", "&") if older else ""
        assert "domain=contoso.example" in (address or "domain=contoso.example")
    assert len(seen) == 120 == len(set(seen))
    assert f'href="{feed(tenant, "?domain=contoso.example")}"' in html


def test_empty_states_say_what_to_do(visit: Visit, tenant: Tenant) -> None:
    assert "Import leaked data" in page(visit("analyst"), feed(tenant))
    viewer = page(visit("viewer"), feed(tenant))
    assert "An analyst of this tenant can import." in viewer
    assert "Import leaked data</a>" not in viewer
    make_credential(tenant)
    html = page(visit("viewer"), feed(tenant, "?text=nobody"))
    assert "Nothing matches" in html
    assert "Clear filters" in html


def test_the_number_of_queries_does_not_grow(visit: Visit, tenant: Tenant) -> None:
    client = visit("analyst")
    make_credential(tenant)
    page(client, feed(tenant))
    counted = []
    for number in range(2):
        with CaptureQueriesContext(
            connection,
        ) as few:
            page(client, feed(tenant))
        counted.append(len(few))
        if number == 0:
            for password in range(30):
                make_credential(tenant, f"q{password}@contoso.example")
    assert counted == [17, 17]


def test_several_feeds_are_offered_and_a_single_one_opens(visit: Visit, tenant: Tenant) -> None:
    member, admin = visit("viewer"), visit("organisation")
    assert member.get(reverse("feeds")).headers["Location"] == feed(tenant)
    other = make_tenant(name="Fabrikam")
    set_verdict(make_credential(other), Verdict.ACTIVE, Certainty.PROVED, {}, actor=SYSTEM, now=NOW)
    html = page(admin, reverse("feeds"))
    assert f'href="{feed(tenant)}">Contoso' in html
    assert f'href="{feed(other)}">Fabrikam' in html
    assert "1 Active" in html
    assert "Fabrikam" not in page(admin, reverse("feeds") + "?text=cont").split("<main")[1]


@pytest.mark.parametrize(("name", "most"), [("imports", 14), ("audit", 12), ("tenant", 15)])
def test_other_lists_ask_no_more_for_more_rows(visit: Visit, tenant: Tenant, name: str, most: int) -> None:
    client, address, counted = visit("admin"), reverse(name, args=[tenant.id]), []
    page(client, address)
    for _ in range(2):
        for _ in range(5):
            make_user(tenant, "viewer")
            Import.objects.create(tenant=tenant, file_name="x", requested_by="t", requested_at=NOW)
        with CaptureQueriesContext(connection) as made:
            page(client, address)
        counted.append(len(made))
    assert counted[0] == counted[1] <= most


def test_the_list_of_feeds_counts_with_one_query(tenant: Tenant, visit: Visit) -> None:
    admin = visit("organisation")
    counted = []
    for _ in range(2):
        make_credential(make_tenant())
        with CaptureQueriesContext(connection) as made:
            page(admin, reverse("feeds"))
        counted.append(len(made))
    assert counted[0] == counted[1] <= 10


def test_the_tenant_is_kept_in_the_session(visit: Visit, tenant: Tenant) -> None:
    admin = visit("organisation")
    other = make_tenant(name="Aaa first")
    assert _switcher(admin) == "Aaa first"
    page(admin, feed(tenant))
    assert _switcher(admin) == "Contoso"
    page(admin, feed(other))
    assert _switcher(admin) == "Aaa first"


def _switcher(client: Client) -> str:
    found = re.search(r'aria-label="Tenant: ([^"]+)\. Switch', page(client, reverse("tokens")))
    assert found
    return found.group(1)


def test_markup_in_leaked_data_stays_text(visit: Visit, tenant: Tenant) -> None:
    evil = "<script>alert(1)</script>\"'@contoso.example"
    credential = make_credential(tenant, evil)
    Credential.objects.filter(pk=credential.pk).update(login=evil)
    for address in (feed(tenant), reverse("credential", args=[tenant.id, credential.id])):
        html = page(visit("analyst"), address)
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)" in html
