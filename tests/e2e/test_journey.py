"""The journey that everything serves, walked by its visible words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ANN, Product
from tests.world import APP, DIRECTORY, RIGHT, SECRET

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def make_tenant(page: Page, name: str, domains: str) -> None:
    page.get_by_role("link", name="Configure").click()
    page.get_by_role("link", name="Tenants", exact=True).click()
    page.get_by_role("link", name="New tenant").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Monitored domains").fill(domains)
    page.get_by_role("button", name="Create tenant").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def configure(page: Page, tenant: str, secret: str) -> None:
    page.get_by_role("link", name="Configure").click()
    page.get_by_role("link", name="Tenants", exact=True).click()
    page.get_by_role("main").get_by_role("link", name=tenant).click()
    page.get_by_role("link", name="Entra ID Configuration").click()
    page.get_by_label("Entra Client ID").fill(APP)
    page.get_by_label("Entra Client Secret").fill(secret)
    page.get_by_label("Entra Tenant ID").fill(DIRECTORY)
    page.get_by_label("Cloud").select_option("custom")
    page.get_by_role("button", name="Save").click()


def bring_in(page: Page, leak: Path) -> None:
    page.get_by_role("link", name="Imports").click()
    page.get_by_role("link", name="Import leaked data").click()
    page.get_by_label("Files").set_input_files(leak)
    page.get_by_label("Source name").fill("A forum")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Done")).to_be_visible(timeout=30_000)


def test_from_the_configuration_to_the_user(page: Page, product: Product, leak: Path) -> None:
    make_tenant(page, "Fabrikam", "fabrikam.example")
    make_tenant(page, "Contoso", "contoso.example")
    bring_in(page, leak)

    configure(page, "Contoso", SECRET)
    expect(page.get_by_text("Saved. The connection works.")).to_be_visible()
    expect(page.get_by_text("Entra ID accepts the client ID and secret.")).to_be_visible()

    page.get_by_role("link", name="Credentials browser").click()
    page.get_by_role("main").get_by_role("link", name="Contoso").click()
    row = page.get_by_role("row", name="ann@contoso.example")
    expect(row).to_contain_text("Not validated")
    expect(page.get_by_text("nobody.example")).to_have_count(0)
    page.get_by_role("link", name="ann@contoso.example").click()

    panel = page.get_by_role("region", name="Details")
    expect(panel.get_by_role("heading", name="ann@contoso.example")).to_be_focused()
    assert re.search(r"/credentials/[0-9a-f-]{36}/$", page.url)
    panel.get_by_role("button", name="Validate").click()
    expect(panel.locator('[data-verdict="active"]')).to_contain_text("Active")
    expect(panel.get_by_role("heading", name="Evidence")).to_be_visible()
    expect(row).to_contain_text("Active")
    expect(row).to_contain_text("Ann of Contoso")

    link = panel.get_by_role("link", name="Open user in Entra admin center")
    view = "Microsoft_AAD_UsersAndTenants/UserProfileMenuBlade/~/overview/userId"
    expect(link).to_have_attribute("href", f"{product.entra.portal_url}/#view/{view}/{ANN}")
    assert len(product.entra.journal.attempts_for("ann@contoso.example")) == 1

    details = page.url
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("link", name="ann@contoso.example")).to_be_focused()
    page.goto(details)
    expect(page.get_by_role("link", name="Open user in Entra admin center")).to_be_visible()
    assert RIGHT not in page.content()

    _nothing_overflows_a_phone(page, product, details)


def _nothing_overflows_a_phone(page: Page, product: Product, details: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    tenant = details.split("/credentials/")[0]
    for address in (
        details,
        *(f"{tenant}/{name}" for name in ("credentials/", "imports/", "audit/", "entra-id-configuration/")),
        f"{tenant}/",
        f"{product.address}/tokens/",
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_a_wrong_secret_is_one_plain_sentence(page: Page) -> None:
    make_tenant(page, "Wingtip", "wingtip.example")
    configure(page, "Wingtip", "Wrong~value-of-the-client-secret.1")
    expect(page.get_by_text("Entra ID does not accept the client secret.")).to_be_visible()
    expect(page.get_by_text("paste the Value column, not the Secret ID")).to_be_visible()
    expect(page.get_by_text("Error", exact=True)).to_be_visible()

    page.get_by_label("Entra Client Secret").fill(SECRET)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. The connection works.")).to_be_visible()
    # Another directory's domain: it works, and says what it cannot do.
    expect(page.get_by_text("Not a verified domain of this directory: wingtip.example.")).to_be_visible()


def test_a_password_is_revealed_for_a_while(page: Page, leak: Path) -> None:
    make_tenant(page, "Tailspin", "contoso.example")
    bring_in(page, leak)
    page.get_by_role("link", name="Open the tenant feed").click()
    page.get_by_label("Login or name").fill("gone")
    expect(page.get_by_role("row", name="ann@contoso.example")).to_have_count(0)
    assert page.url.endswith("?text=gone")
    page.clock.install()
    page.get_by_role("link", name="gone@contoso.example").click()
    panel = page.get_by_role("region", name="Details")
    panel.get_by_text("Reveal …").click()
    panel.locator("form", has=page.get_by_role("button", name="Reveal password")).get_by_label("Reason").fill(
        "ticket 7"
    )
    panel.get_by_role("button", name="Reveal password").click()
    expect(panel.get_by_text("Some-0ther-word")).to_be_visible()
    # The script takes the attribute away when its own clock runs.
    expect(panel.locator("[data-vanishes]")).to_have_count(0)
    page.clock.fast_forward(31_000)
    expect(panel.get_by_text("Some-0ther-word")).to_have_count(0)
    expect(panel.get_by_text("Hidden again.")).to_be_visible()
