"""From the feed over Validate feed to the ledger and the case file, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Product
from tests.e2e.test_journey import bring_in, configure, make_tenant
from tests.world import RIGHT, SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_a_feed_is_validated_and_proved(page: Page, product: Product, leak: Path) -> None:
    make_tenant(page, "Northwind", "northwind.example")
    make_tenant(page, "Proseware", "contoso.example")
    bring_in(page, leak)
    configure(page, "Proseware", SECRET)
    expect(page.get_by_text("Saved. The connection works.")).to_be_visible()

    page.get_by_role("link", name="Credentials browser").click()
    page.get_by_role("main").get_by_role("link", name="Proseware").click()
    page.get_by_role("button", name="Validate feed").click()
    expect(page.get_by_text("2 of 2 credentials decided")).to_be_visible(timeout=60_000)
    expect(page.locator('[data-state="done"]')).to_be_visible()
    run = page.url

    page.get_by_role("main").get_by_role("link", name="Attempts").click()
    row = page.get_by_role("row").filter(has_text="Validate feed").first
    expect(row).to_contain_text("ann@contoso.example")
    row.locator("a code").click()
    expect(page.get_by_role("heading", name="Budget of ann@contoso.example")).to_be_visible()
    ledger = page.url
    page.get_by_role("row").filter(has_text="Validate feed").get_by_role("link", name="ann@").click()
    page.get_by_role("link", name="Case file").click()
    expect(page.get_by_role("heading", name="Verdicts and their evidence")).to_be_visible()
    assert RIGHT not in page.content()
    case = page.url

    page.set_viewport_size({"width": 390, "height": 844})
    for address in (run, ledger, case, run.rpartition("/runs/")[0] + "/runs/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
