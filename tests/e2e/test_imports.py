"""From a stealer archive in the browser to its machine, and back again by undoing the import."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Product
from tests.e2e.test_journey import make_tenant
from tests.integration.ingestion.test_columns import CSV
from tests.integration.ingestion.test_cookies import FUTURE, LOG, cookie, logs
from tests.integration.ingestion.test_import import stealer_archive

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]

PHONE = {"width": 390, "height": 844}


def shoot(page: Page, name: str) -> None:
    """Only for whoever looks at the pages while changing them."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_from_the_upload_to_the_machine_and_undone(page: Page, product: Product, tmp_path: Path) -> None:
    archive = tmp_path / "logs.zip"
    archive.write_bytes(stealer_archive())
    make_tenant(page, "Adatum", "contoso.example")
    page.get_by_role("link", name="Imports", exact=True).click()
    page.get_by_role("link", name="Import leaked data").click()
    page.get_by_label("Files").set_input_files(archive)
    page.get_by_label("Source name").fill("Channel of tests")
    shoot(page, "new-import")
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("heading", name="logs.zip")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("Done")
    done = page.url
    shoot(page, "import-done")

    page.get_by_role("link", name="Open the tenant feed").click()
    page.get_by_role("link", name="ann@contoso.example").first.click()
    page.get_by_role("link", name="Machine", exact=True).first.click()
    expect(page.get_by_role("heading", name="About this machine")).to_be_visible()
    expect(page.get_by_role("heading", name="Your people")).to_be_visible()
    shoot(page, "machine")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert fits(page)
    shoot(page, "machine-phone")

    page.goto(done)
    assert fits(page)
    shoot(page, "import-phone")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Undo import").click()
    expect(page.get_by_role("status").filter(has_text="This import was undone")).to_be_visible()
    assert fits(page)
    shoot(page, "undone-phone")
    page.set_viewport_size({"width": 1440, "height": 900})
    shoot(page, "undone")


def test_a_file_of_several_chunks_arrives_whole(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"x@mail.test:some-filler-pw\n" * 400_000 + b"ann@contoso.example:last-pw\n")
    make_tenant(page, "Litware", "contoso.example")
    page.get_by_role("link", name="Imports", exact=True).click()
    page.get_by_role("link", name="Import leaked data").click()
    page.get_by_label("Files").set_input_files(large)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="large.txt")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("status").first).to_contain_text("Done", timeout=60_000)
    expect(page.locator(".ew-counts")).to_contain_text("400,001")


def test_the_columns_of_a_table_are_put_right_before_the_import(
    page: Page, product: Product, tmp_path: Path
) -> None:
    table = tmp_path / f"table-{'with-a-very-long-name-' * 4}.csv"
    table.write_text(CSV)
    make_tenant(page, "Lucerne", "contoso.example")
    page.get_by_role("link", name="Imports", exact=True).click()
    page.get_by_role("link", name="Import leaked data").click()
    page.get_by_label("Files").set_input_files(table)
    shoot(page, "new-import-options")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="What do the columns hold?")).to_be_visible()
    shoot(page, "columns")
    page.get_by_label("password", exact=True).select_option("ignored")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert fits(page)
    shoot(page, "columns-phone")
    page.get_by_label("note", exact=True).select_option("password")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Done")
    expect(page.locator(".ew-counts")).to_contain_text("30")


def test_a_machine_with_stolen_cookies(page: Page, product: Product, tmp_path: Path) -> None:
    archive = tmp_path / "logs.zip"
    name = "A_cookie_with_a_long_name_" * 6
    more = cookie("a-rather-long-host-name.of-some-portal.contoso.example", name, FUTURE)
    archive.write_bytes(logs(LOG | {"v/Cookies/Opera.txt": more}))
    make_tenant(page, "Woodgrove", "contoso.example")
    page.get_by_role("link", name="Imports", exact=True).click()
    page.get_by_role("link", name="Import leaked data").click()
    page.get_by_label("Files").set_input_files(archive)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Done")
    shoot(page, "import-cookies")
    page.get_by_role("link", name="Cookies", exact=True).click()
    expect(page.get_by_role("heading", name="Stolen cookies")).to_be_visible()
    shoot(page, "cookies")
    page.get_by_role("link", name="PC1").first.click()
    expect(page.get_by_text("To change the password alone is not enough.")).to_be_visible()
    shoot(page, "machine-cookies")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert fits(page)
    shoot(page, "machine-cookies-phone")
